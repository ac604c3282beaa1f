"""The report's other tables: folds, variants, timing, and what stands behind each number."""

import json
from collections.abc import Iterable, Sequence
from html import escape

from common.records import Result
from experiments.report_run import measured_share, share
from experiments.reporting.report_records import Records
from experiments.rows import ROWS


def table(
    caption: str, header: Sequence[str], lines: Iterable[Sequence[str]], *, kind: str = ""
) -> str:
    """A table that scrolls sideways where it is too wide; every text is escaped."""
    head = "".join(f'<th scope="col">{escape(label)}</th>' for label in header)
    body = "".join(
        f'<tr><th scope="row">{escape(line[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in line[1:])
        + "</tr>\n"
        for line in lines
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="{kind}"><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>\n"
    )


def folds(records: Records) -> str:
    """The accuracy of every fold of every row."""
    shown = [(row.title, r.metrics["accuracy"]) for row, r in records.headlines()]
    shown = [(title, accuracy) for title, accuracy in shown if accuracy is not None]
    width = max((len(accuracy["folds"]) for _, accuracy in shown), default=0)
    return table(
        "Accuracy on each fold, measured here",
        ["row", *(str(fold + 1) for fold in range(width))],
        [[title, *(f"{v:.4f}" for v in accuracy["folds"])] for title, accuracy in shown],
        kind="folds",
    )


def variants(records: Records) -> str:
    """Every record, row by row."""
    parts = []
    for name, row in ROWS.items():
        found = records.variants(name)
        if not found:
            continue
        lines = [
            [
                r.variant, share(r.published), measured_share(r), f"{r.metrics['auc']:.4f}",
                f"{r.metrics['eer']:.4f}",
                *(f"{r.metrics['tar_at_far'][far]:.3f}" for far in ("0.1", "0.01", "0.001")),
                r.threshold_rule, r.category,
            ]
            for r in found
        ]  # fmt: skip
        parts.append(f"<h3>{escape(row.title)}</h3>")
        parts.append(
            table(
                f"{row.title}: every variant that was measured",
                [
                    "variant",
                    "published",
                    "measured here",
                    "AUC",
                    "EER",
                    "TAR at FAR 0.1",
                    "at 0.01",
                    "at 0.001",
                    "threshold from",
                    "category",
                ],
                lines,
                kind="variants",
            )  # fmt: skip
        )
    return "".join(parts)


def timing(records: Records) -> str:
    """How long everything took, on what."""
    return table(
        "Seconds are of fitting and scoring View 2; hours are of training; faces a second from "
        "decoded pixels to representations",
        ["row", "seconds", "faces/s", "on", "hours trained", "trained on"],
        [
            [
                row.title, f"{r.seconds:,.0f}", f"{r.speed['faces_per_second']:,.0f}",
                str(r.speed["device"]), f"{r.training['hours']:.3f}", str(r.training["device"]),
            ]
            for row, r in records.headlines()
        ],
        kind="timing",
    )  # fmt: skip


def commands(records: Records) -> str:
    """Of every headline record: the command, the data, the code, and the checksums."""
    parts = []
    for row, r in records.headlines():
        facts = "".join(
            f"<dt>{escape(name)}</dt><dd>{shown}</dd>" for name, shown in _facts(r, records)
        )
        name = escape(r.file_name)
        config = escape(json.dumps(r.config, ensure_ascii=False, indent=1))
        parts.append(
            f'<h3 id="{name}">{escape(row.title)}</h3><dl data-record="{name}">{facts}</dl>'
            f"<pre>{config}</pre>"
        )
    return "".join(parts)


def _facts(r: Result, records: Records) -> list[tuple[str, str]]:
    training = r.training
    versions = ", ".join(f"{name} {version}" for name, version in r.versions.items())
    facts = [
        ("command", _code(r.command)),
        ("record", f"{_code(r.file_name)} sha256 {_code(records.checksums[r.file_name])}"),
        ("measured on", escape(
            f"{r.data['name']} ({r.lfw_variant}), {r.data['images']:,} images of "
            f"{r.data['people']:,} people, {r.pairs:,} pairs"
        )),
        ("its sha256", _code(r.data["sha256"])),
        ("trained on", escape(
            f"{training.get('data', 'unknown')}: {training['images']:,} images of "
            f"{training['identities']:,} people; people of LFW: "
            f"{training.get('lfw_overlap', 'unknown')}"
        )),
        ("its sha256", _code(str(training.get("sha256", "unknown")))),
        ("published figure", escape(str(r.published.get("source", "none")))),
        ("threshold from", escape(r.threshold_rule)),
        ("alignment", escape(f"{r.alignment}; {r.fallbacks:,} faces by the fallback")),
        ("at test time", escape(r.test_time)),
        ("seed", str(r.seed)),
        ("a rerun agrees within", f"{r.tolerance:g}"),
        ("code", _code(r.commit or "unknown")),
        ("versions", escape(f"{versions}; {r.device}")),
    ]  # fmt: skip
    return facts


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"
