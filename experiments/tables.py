"""Records -> the tables in README.md and docs/*.md; nobody types a measured number.

    python -m experiments.tables          rewrite the marked blocks, redraw the pictures of
                                          docs/ that records draw
    python -m experiments.tables --check  exit 1 if a file would change

A block stands between `<!-- table: NAME -->` and `<!-- /table -->`.
"""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.records import Result, read_all
from experiments import alignment_worth, facenet_order, ideas_tables, speed_tables
from experiments.markdown import markdown
from experiments.paper_numbers import CLASSICAL, FACENET_TABLES, LATER, Published, not_measured
from experiments.record_checks import TableError, check_record
from experiments.rows import ROWS
from experiments.studies import study_records, study_tables

ROOT = Path(__file__).resolve().parent.parent
RECORDS = Path(__file__).parent / "results"
SPEED = ROOT / "benchmarks" / "results" / "deepface.json"
STUDIES = "studies"
"""Folder of the studies' records, in `RECORDS`."""
_BLOCK = re.compile(r"(<!-- table: (?P<name>[\w-]+) -->\n).*?(<!-- /table -->)", re.DOTALL)


def pages() -> list[Path]:
    """Every page that may hold a table."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def render(
    page: str, results: Sequence[Result], studies: Mapping[str, study_records.Study] | None = None
) -> str:
    """The page with every marked block rebuilt from the records.

    Args:
      page: its text.
      results: the records of rows.
      studies: those of studies, by name.

    Raises:
      TableError: a block's name is unknown.
    """
    blocks = _blocks(results) | study_tables.blocks(studies or {})

    def rebuilt(match: re.Match[str]) -> str:
        if match["name"] not in blocks:
            known = ", ".join(blocks)
            raise TableError(f"no table is called {match['name']!r}; there are: {known}")
        return f"{match[1]}{blocks[match['name']]()}\n{match[3]}"

    return _BLOCK.sub(rebuilt, page)


def update(*, check: bool = False) -> list[Path]:
    """Rebuild every page; returns those that changed (or would, when only checking).

    Raises:
      RecordError: a record is damaged; no page is touched.
      TableError: it lacks what is quoted of it, or is no measurement of LFW.
    """
    results = read_all(RECORDS)
    for result in results:
        check_record(result)
    studies = study_records.read_all(RECORDS / STUDIES)
    synthetic = [record.file_name for record in studies.values() if record.synthetic]
    if synthetic:
        raise TableError(f"{synthetic[0]} was measured on synthetic faces: it has no place here")
    texts = {page: page.read_text(encoding="utf-8") for page in pages()}
    rebuilt = {page: render(text, results, studies) for page, text in texts.items()}
    changed = [page for page in texts if texts[page] != rebuilt[page]]
    if not check:
        for page in changed:
            page.write_text(rebuilt[page], encoding="utf-8")
    return changed


def update_pictures(*, check: bool = False) -> list[Path]:
    """Redraw the pictures whose records changed; returns those (or would, when only checking)."""
    from experiments import committed_pictures

    studies = study_records.read_all(RECORDS / STUDIES)
    return committed_pictures.update(read_all(RECORDS), studies, ROOT / "docs", check=check)


def _blocks(results: Sequence[Result]) -> dict[str, Callable[[], str]]:
    blocks: dict[str, Callable[[], str]] = {
        "comparison": lambda: comparison(results),
        "ideas": lambda: ideas_tables.table(results),
        "facenet-order": lambda: facenet_order.table(
            results,
            {
                folder: read_all(RECORDS / facenet_order.REPLACED / folder)
                for folder in facenet_order.FOLDERS
            },
        ),
        "deepface-speed-training": lambda: speed_tables.training(speed_tables.read(SPEED)),
        "deepface-speed-features": lambda: speed_tables.features(speed_tables.read(SPEED)),
        "deepface-networks-alignment": lambda: alignment_worth.table(results),
    }
    for row in ROWS:
        blocks[f"{row}-variants"] = lambda row=row: variants([r for r in results if r.row == row])
    for network in FACENET_TABLES:
        blocks[f"facenet-{network.lower()}"] = lambda network=network: layers(network)
    return blocks


def comparison(results: Sequence[Result]) -> str:
    """One line a row that was measured, then the published rows that were not (yet)."""
    lines = []
    for name, row in ROWS.items():
        found = [r for r in results if (r.row, r.variant) == (name, row.headline)]
        if len(found) > 1:
            raise TableError(f"{len(found)} records claim the line of {name}: keep one")
        if found:
            lines.append(_measured_line(row.title, found[0]))
    lines += [
        _published_line(name, p, "not measured yet")
        for name, p in not_measured(result.published for result in results).items()
    ]
    shown_only = {**LATER, **CLASSICAL}
    lines += [_published_line(name, p, "published only") for name, p in shown_only.items()]
    return markdown(
        ("", "published", "ours ± SE", "category", "trained on, theirs", "trained on, ours",
         "embedding", "parameters", "faces/s", "hours", "record"),
        lines,
    )  # fmt: skip


def _measured_line(title: str, r: Result) -> tuple[str, ...]:
    return (
        f"**{title}**",
        _accuracy(r.published),
        f"**{_accuracy(r.metrics['accuracy'])}**",
        r.category,
        str(r.published.get("training_images", "-")),
        f"{r.training['images']:,} of {r.training['identities']:,} people",
        str(r.model["embedding_size"]),
        f"{r.model['parameters']:,}",
        f"{r.speed['faces_per_second']:,.0f} ({r.speed['device']})",
        f"{r.training['hours']:.3f} ({r.training['device']})",
        f"[{r.row} {r.variant}](experiments/results/{r.file_name})",
    )


def _published_line(title: str, p: Published, status: str) -> tuple[str, ...]:
    size = "-" if p.embedding_size is None else str(p.embedding_size)
    published = _accuracy(p.as_record())
    return (title, published, status, p.protocol, p.training_images, "-", size, *"----")


CHOSEN_BY = "view1_accuracy"
"""In a record's configuration: a figure that recipes are chosen by, so it is not reported."""


def variants(results: Sequence[Result]) -> str:
    """Every variant of one row, with how its threshold was found and all figures."""
    lines = [
        (
            r.variant,
            _accuracy(r.published),
            _accuracy(r.metrics["accuracy"]),
            _interval(r.metrics["accuracy"]),
            f"{r.metrics['auc']:.4f}",
            f"{r.metrics['eer']:.4f}",
            *(f"{r.metrics['tar_at_far'][far]:.3f}" for far in ("0.1", "0.01", "0.001")),
            r.threshold_rule,
            ", ".join(
                f"{k} {v}"
                for k, v in r.config.items()
                if not isinstance(v, dict) and k != CHOSEN_BY
            ),
        )
        for r in results
    ]
    return markdown(
        ("variant", "published", "ours ± SE", "95 % interval", "AUC", "EER", "TAR at FAR 0.1",
         "0.01", "0.001", "threshold", "configuration"),
        lines,
    )  # fmt: skip


def layers(network: str) -> str:
    """A network of FaceNet row by row: what the paper prints beside what the shapes give."""
    from facenet_jax.config import network_config
    from facenet_jax.tables import rows, total

    found = rows(network_config(network))
    lines = []
    for row in (*found, total(found)):
        parameters, flops = FACENET_TABLES[network].get(row.name, ("", ""))
        with_biases = row.weights + row.biases, row.multiply_adds + row.bias_adds
        lines.append((
            row.name, " x ".join(map(str, row.output)), parameters or "-",
            f"{row.weights:,}", f"{with_biases[0]:,}", flops or "-",
            f"{row.multiply_adds:,}", f"{with_biases[1]:,}",
        ))  # fmt: skip
    return markdown(
        ("layer", "output", "parameters, theirs", "weights", "with biases", "FLOPS, theirs",
         "multiply-adds", "with biases"),
        lines,
    )  # fmt: skip


def _accuracy(block: dict | None) -> str:
    """`0.6002 ± 0.0079` of a metrics or published block; `-` of none."""
    if not block:
        return "-"
    mean = block.get("mean", block.get("accuracy"))
    error = block.get("standard_error")
    return f"{mean:.4f}" + ("" if error is None else f" ± {error:.4f}")


def _interval(accuracy: dict | None) -> str:
    return "{:.4f} to {:.4f}".format(*accuracy["interval"]) if accuracy else "-"


@dataclass(frozen=True)
class Tables:
    """Rebuild the tables of README.md and docs/*.md from the records."""

    check: bool = False
    """Only say which files would change, and exit 1 if any would."""


def main(options: Tables) -> int:
    """Rebuild or check; returns the exit code."""
    try:
        changed = [*update(check=options.check), *update_pictures(check=options.check)]
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for page in changed:
        print(f"{'would change' if options.check else 'changed'}: {page.relative_to(ROOT)}")
    return 1 if options.check and changed else 0


if __name__ == "__main__":
    import tyro

    sys.exit(main(tyro.cli(Tables, description=__doc__)))
