"""The report's section on what each idea is worth: from the records, as tables and pictures."""

from experiments import alignment_worth, ideas_tables
from experiments.paired_folds import folds
from experiments.reporting import report_figures
from experiments.reporting.report_provenance import table
from experiments.reporting.report_records import Records

_NOTHING = '<p class="soft">Not measured yet.</p>'


def worth(records: Records) -> str:
    """Alignment, locality and loss in all bundles; then alignment alone, at the paper's size."""
    return (
        "<p>Accuracies are measured here, on View 2; differences are taken on each of its ten "
        "folds, and ± is their standard error. Networks that are compared were trained on the "
        "same faces, and saw as many of them in all.</p>"
        "<h3>Network, loss and alignment, each in two ways</h3>"
        "<p>DeepFace's layers without shared weights or FaceNet's convolutions, small ones; a "
        "softmax over the training people or triplets; faces aligned in 2D or turned to the "
        f"front in 3D.</p>{_ideas(records)}"
        "<h3>Alignment, with DeepFace's whole network</h3>"
        "<p>The paper's trend beside ours: one network of the paper's size for each alignment, "
        f"each trained for two epochs.</p>{_alignment(records)}"
    )


def _ideas(records: Records) -> str:
    if not folds(records.results, ideas_tables.ROW):
        return _NOTHING
    return table(
        "Eight bundles of ideas, measured here", *ideas_tables.cells(records.results)
    ) + report_figures.shown(
        report_figures.png(ideas_tables.figure(records.results)),
        "Accuracies of the eight bundles, and what each idea adds to each; the numbers are those "
        "of the table above.",
    )


def _alignment(records: Records) -> str:
    if not folds(records.results, alignment_worth.ROW):
        return _NOTHING
    return table(
        "DeepFace's network under three alignments", *alignment_worth.cells(records.results)
    ) + report_figures.shown(
        report_figures.png(alignment_worth.figure(alignment_worth.shown(records.results))),
        "Accuracy without alignment, with 2D and with 3D alignment, published and measured here; "
        "the numbers are those of the table above.",
    )
