"""The report's page: semantic HTML in which every text that comes from a record is escaped."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from experiments.reporting import report_figures, report_ideas, report_provenance
from experiments.reporting.report_errors import ErrorPair, WorstOfRow
from experiments.reporting.report_records import Records
from experiments.reporting.report_style import CSS
from experiments.reporting.report_tables import COLUMNS, NOTHING, Line, groups

TITLE = "Classic face recognition papers in JAX: the comparison"

_SECTIONS = {
    "comparison": "The comparison",
    "training-images": "Accuracy against training images",
    "roc": "ROC curves",
    "folds": "The ten folds",
    "ideas": "What each idea is worth",
    "errors": "Worst errors",
    "variants": "Every variant",
    "timing": "Timing",
    "provenance": "Commands and checksums",
    "reading": "How to read it",
}


@dataclass(frozen=True)
class Errors:
    """The worst errors, or why there are none."""

    rows: Sequence[WorstOfRow] = ()
    missing: Sequence[str] = ()


def page(records: Records, errors: Errors) -> str:
    """The whole report: one file, which loads nothing."""
    contents = {
        "comparison": _comparison(records),
        "training-images": _field(records),
        "roc": _ROC_WORDS + report_figures.roc_panels(records),
        "folds": _FOLD_WORDS + report_figures.fold_plots(records)
        + report_provenance.folds(records),
        "ideas": report_ideas.worth(records),
        "errors": _errors(errors),
        "variants": report_provenance.variants(records),
        "timing": report_provenance.timing(records),
        "provenance": report_provenance.commands(records),
        "reading": _READING,
    }  # fmt: skip
    links = "".join(f'<li><a href="#{key}">{escape(t)}</a></li>' for key, t in _SECTIONS.items())
    body = "".join(
        f'<section id="{key}" aria-labelledby="{key}-title"><h2 id="{key}-title">'
        f"{escape(title)}</h2>\n{contents[key]}\n</section>\n"
        for key, title in _SECTIONS.items()
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # Without an icon of its own a page asks its server for one.
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(TITLE)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n"
        f"<header><h1>{escape(TITLE)}</h1>\n{_KEY}\n"
        f'<nav aria-label="Sections"><ul>{links}</ul></nav></header>\n'
        f"<main>\n{body}</main>\n</body>\n</html>\n"
    )


_KEY = (
    "<p>Eigenfaces, DeepFace, FaceNet and rows beside them on Labeled Faces in the Wild (LFW), "
    "View 2: 6,000 pairs of photographs, the same person or not? Accuracy is the mean over ten "
    'folds ± its standard error. <span class="key published">Published</span> numbers stand in '
    'the papers or on LFW\'s results page; <span class="key ours">measured here</span> means '
    "measured by this project's code, with a record of every run.</p>"
)
_ROC_WORDS = (
    "<p>Each row's share of accepted same-person pairs against its share of accepted "
    "different-people pairs, over all thresholds. All curves are measured here.</p>"
)
_FOLD_WORDS = (
    "<p>Each dot is the accuracy on one fold of 600 pairs; the bar is the mean ± its standard "
    "error. Measured here.</p>"
)
_READING = (
    "<ul>"
    "<li>± is the standard error of the mean over ten folds, sigma / sqrt(10) with n - 1 in sigma; "
    "a standard deviation, which some sources print instead, is three times as large.</li>"
    "<li>The category says what a row was allowed to learn from. Rows of different categories, "
    "and rows trained on different numbers of images, do not compare methods alone.</li>"
    "<li>Thresholds are never chosen on the pairs that are reported.</li>"
    "<li>Error rates by group of people were not measured. LFW shows mostly famous, adult, "
    "light-skinned people; do not decide anything about anyone by these numbers.</li>"
    "</ul>"
)


def _comparison(records: Records) -> str:
    bodies = []
    for heading, lines in groups(records):
        if lines:
            bodies.append(
                f'<tbody><tr class="group"><th colspan="{len(COLUMNS)}" scope="rowgroup">'
                f"{escape(heading)}</th></tr>{''.join(map(_line, lines))}</tbody>\n"
            )
    rest = "".join(
        f'<th scope="col" rowspan="2">{escape(label)}</th>' for label in list(COLUMNS.values())[5:]
    )
    return (
        '<table class="comparison"><caption>LFW, View 2. Accuracy and training images, published '
        "and measured here, in columns of their own.</caption>\n"
        '<thead><tr><th scope="col" rowspan="2">row</th>'
        '<th scope="colgroup" colspan="2" class="published">Published</th>'
        f'<th scope="colgroup" colspan="2" class="ours">Measured here</th>{rest}</tr>'
        '<tr><th scope="col" class="published">accuracy</th><th scope="col" class="published">'
        'trained on</th><th scope="col" class="ours">accuracy</th><th scope="col" class="ours">'
        f"trained on</th></tr></thead>\n{''.join(bodies)}</table>"
    )


_KINDS = {
    "published": "published figure-cell",
    "published_training": "published",
    "ours": "ours figure-cell",
    "ours_training": "ours",
}


def _line(line: Line) -> str:
    cells = [f'<th scope="row">{escape(line.name)}</th>']
    for key, label in list(COLUMNS.items())[1:]:
        text, kind = getattr(line, key), _KINDS.get(key, "")
        if key in ("ours", "ours_training") and line.result is None:
            kind = "none"
        if text == NOTHING:
            kind += " empty"
        shown = escape(text)
        if key == "record" and text != NOTHING:
            shown = f'<a href="#{quote(text)}" title="{shown}">record</a>'
        note = f" <small>{escape(line.ours_data)}</small>" if key == "ours_training" else ""
        if line.ours_data == NOTHING:
            note = ""
        cells.append(
            f'<td class="{kind.strip()}" data-label="{escape(label)}" data-key="{key}">'
            f"<span>{shown}{note}</span></td>"
        )
    record = "" if line.result is None else f' data-record="{escape(line.result.file_name)}"'
    return f"<tr{record}>{''.join(cells)}</tr>\n"


def _field(records: Records) -> str:
    return (
        "<p>What the field gained it gained with the number of training images as much as with "
        'ideas. <span class="key published">Open circles</span> are published, <span class="key '
        'ours">full squares</span> are measured here.</p>'
        + report_figures.shown(
            report_figures.field_png(records),
            "Accuracy of every row of the table against its number of training images, on a "
            "logarithmic axis; the numbers are those of the table.",
        )
    )


def _errors(errors: Errors) -> str:
    parts = []
    if errors.rows:
        parts.append(
            "<p>The pairs that each row gets most wrong, farthest from its threshold, and what "
            "every row said of the same pair. Scores of different rows have different units; a "
            "pair is accepted when its score is at least the threshold. Some of LFW's labels "
            "are known to be wrong.</p>"
        )
    for row in errors.rows:
        for said, pairs in (
            ("different people, taken for one", row.false_accepts),
            ("one person, taken for two", row.false_rejects),
        ):
            shown = "".join(map(_pair, pairs)) or "<p>None.</p>"
            parts.append(
                f'<h3>{escape(row.title)}: {said}</h3><div class="errors">{shown}</div>'
            )  # fmt: skip
    if errors.missing:
        items = "".join(f"<li>{escape(sentence)}</li>" for sentence in errors.missing)
        parts.append(f'<p class="soft">Not shown:</p><ul class="soft">{items}</ul>')
    return "".join(parts)


def _pair(pair: ErrorPair) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(title)}</th><td>{score:.4g}</td><td>{threshold:.4g}</td>'
        f'<td class="{"right" if right else "wrong"}">{"right" if right else "wrong"}</td></tr>'
        for title, score, threshold, right in pair.said
    )
    faces = "".join(
        f'<img src="{picture}" alt="{escape(name)}" width="250" height="250">'
        for name, picture in zip(pair.names, pair.pictures, strict=True)
    )
    truth = "one person" if pair.same else "different people"
    return (
        f'<figure><div class="faces">{faces}</div><figcaption>{escape(pair.names[0])} and '
        f"{escape(pair.names[1])}: {truth}, fold {pair.fold}</figcaption>"
        '<table><thead><tr><th scope="col">row</th><th scope="col">score</th>'
        f'<th scope="col">threshold</th><th scope="col">verdict</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></figure>"
    )
