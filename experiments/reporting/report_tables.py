"""The comparison table as lines, and those lines as Markdown and as LaTeX.

Published and measured figures stand in columns of their own, each with what it was trained on.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from common.records import Result
from experiments.field_picture import nine_fold_images
from experiments.paper_numbers import CLASSICAL, LATER, NINE_FOLDS, Published, not_measured
from experiments.report_run import measured_share, share
from experiments.reporting.report_records import Records
from experiments.rows import ROWS

NOT_MEASURED = "not measured here"
NOTHING = "-"


@dataclass(frozen=True)
class Line:
    """One row of the table, as text."""

    name: str
    published: str
    published_training: str
    ours: str
    ours_training: str
    category: str
    embedding: str = NOTHING
    parameters: str = NOTHING
    speed: str = NOTHING
    hours: str = NOTHING
    record: str = NOTHING
    ours_data: str = NOTHING
    """What our training images are."""
    result: Result | None = field(default=None, repr=False)


COLUMNS = {
    "name": "row",
    "published": "published accuracy",
    "published_training": "published: trained on",
    "ours": "measured here",
    "ours_training": "ours: trained on",
    "category": "category",
    "embedding": "embedding",
    "parameters": "parameters",
    "speed": "faces/s",
    "hours": "hours",
    "record": "record",
}
"""Headers by the fields of a `Line`."""


def groups(records: Records) -> list[tuple[str, list[Line]]]:
    """The table's lines under their headings."""
    own = list(_rows(records))
    measured, unmeasured = (
        [x for x in own if (x.result is None) == none] for none in (False, True)
    )
    table = [
        ("Measured here, beside the published figure", measured),
        ("Built here, not measured yet", unmeasured),
        (
            "Published, not measured here yet",
            _published_only(not_measured(one.published for one in records.results)),
        ),
        ("Published, not built here", _published_only(LATER)),
        ("Published, classical", _published_only(CLASSICAL)),
    ]
    images = nine_fold_images(records.results)
    return [(heading, [_counted(line, images) for line in lines]) for heading, lines in table]


def _counted(line: Line, nine_folds: int | None) -> Line:
    """The line, with the number of images where the paper says only `nine folds of LFW`."""
    if line.published_training != NINE_FOLDS or nine_folds is None:
        return line
    return replace(line, published_training=f"{NINE_FOLDS}, {nine_folds:,} images")


def _rows(records: Records) -> Iterator[Line]:
    for name, row in ROWS.items():
        result = records.headline(name)
        if result is None:
            yield Line(row.title, NOTHING, NOTHING, NOT_MEASURED, NOTHING, NOTHING)
        else:
            yield measured_line(row.title, result)


def measured_line(title: str, r: Result) -> Line:
    """The line of a record."""
    ours = measured_share(r)
    return Line(
        name=title,
        published=share(r.published),
        published_training=str(r.published.get("training_images", NOTHING)),
        ours=ours if ours != "-" else f"AUC {r.metrics['auc']:.4f}",
        ours_training=f"{r.training['images']:,} images of {r.training['identities']:,} people",
        ours_data=str(r.training.get("data", NOTHING)),
        category=r.category,
        embedding=str(r.model["embedding_size"]),
        parameters=f"{r.model['parameters']:,}",
        speed=f"{r.speed['faces_per_second']:,.0f} ({r.speed['device']})",
        hours=f"{r.training['hours']:.3f} ({r.training['device']})",
        record=r.file_name,
        result=r,
    )


def _published_only(rows: dict[str, Published]) -> list[Line]:
    return [
        Line(
            name=name,
            published=share(p.as_record()),
            published_training=p.training_images,
            ours=NOT_MEASURED,
            ours_training=NOTHING,
            category=p.protocol,
            embedding=NOTHING if p.embedding_size is None else str(p.embedding_size),
        )
        for name, p in rows.items()
    ]


def markdown(records: Records) -> str:
    """The table in GitHub's Markdown."""
    lines = [list(COLUMNS.values()), ["---"] * len(COLUMNS)]
    for _, members in groups(records):
        for line in members:
            cells = [markdown_escape(getattr(line, key)) for key in COLUMNS]
            if line.result is not None:
                cells[0], cells[3] = f"**{cells[0]}**", f"**{cells[3]}**"
            lines.append(cells)
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def markdown_escape(text: str) -> str:
    r"""Text as one cell of a Markdown table shows it.

    Example:
      >>> markdown_escape("a|b <i>*c*")
      'a\\|b &lt;i>\\*c\\*'
    """
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"\\{c}" if c in "\\`*_[]|~#" else c for c in text)


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "±": r"$\pm$",
    '"': r"\textquotedbl{}",
    "[": "{[}", "]": "{]}",  # after a line's end a bracket would be an option
}  # fmt: skip

_LATEX_COLUMNS = ("name", "published", "published_training", "ours", "ours_training", "category")


def latex(records: Records) -> str:
    r"""The table for `\input`: packages booktabs and graphicx, T1 fonts, UTF-8."""
    width = len(_LATEX_COLUMNS)
    lines = [
        r"% \usepackage[T1]{fontenc} \usepackage{booktabs} \usepackage{graphicx}",
        r"\begin{table}",
        r"\caption{Accuracy on View 2 of Labeled Faces in the Wild, mean $\pm$ standard error "
        "over ten folds.}",
        r"\centering\resizebox{\linewidth}{!}{%",
        rf"\begin{{tabular}}{{{'l' * width}}}",
        r"\toprule",
        r" & \multicolumn{2}{c}{Published} & \multicolumn{2}{c}{Measured here} & \\",
        r"\cmidrule(lr){2-3}\cmidrule(lr){4-5}",
        r"Row & accuracy & trained on & accuracy & trained on & category \\",
    ]
    for heading, members in groups(records):
        if not members:
            continue
        lines.append(r"\midrule")
        lines.append(rf"\multicolumn{{{width}}}{{l}}{{\emph{{{latex_escape(heading)}}}}} \\")
        lines += [_latex_line(line) for line in members]
    lines += [r"\bottomrule", r"\end{tabular}}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def _latex_line(line: Line) -> str:
    cells = [latex_escape(getattr(line, key)) for key in _LATEX_COLUMNS]
    cells = ["--" if cell == NOTHING else cell for cell in cells]
    if line.result is not None:
        cells[3] = rf"\textbf{{{cells[3]}}}"
    return " & ".join(cells) + r" \\"


def latex_escape(text: str) -> str:
    r"""Text as LaTeX prints it.

    Example:
      >>> print(latex_escape("50% of_a & {b}"))
      50\% of\_a \& \{b\}
    """
    return "".join(_LATEX.get(character, character) for character in " ".join(text.split()))
