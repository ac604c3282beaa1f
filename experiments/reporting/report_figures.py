"""The report's pictures: inline SVG that follows the page's colors, and PNG as data URIs.

Lines and dots take their colors from the page's style (classes `c0` to `c6`), so that they are
readable in light, in dark and in print.
"""

import base64
import io
import math
from collections.abc import Mapping, Sequence
from html import escape

from matplotlib.figure import Figure

from experiments.committed_pictures import headlines
from experiments.curve_styles import style_of
from experiments.field_picture import field_figure, points
from experiments.reporting.report_records import Records

_DASHES = ("", "7 3", "8 3 2 3", "2 3", "12 3", "5 2 1 2 1 2", "1 2")
_WIDTH, _HEIGHT = 340, 300
_LEFT, _TOP, _RIGHT, _BOTTOM = 44, 10, 12, 42
_LOWEST_FAR = 1e-3
_FIFTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def field_png(records: Records) -> str:
    """Accuracy against training images, as the address of an image."""
    return png(field_figure(points(headlines(records.results))))


def png(figure: Figure) -> str:
    """A picture, as the address of an image."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=130, bbox_inches="tight", facecolor="white")
    return data_uri(stream.getvalue(), "image/png")


def shown(address: str, alt: str) -> str:
    """The image, in a box that scrolls sideways where it is too wide."""
    return (
        '<div class="scroll picture" tabindex="0" role="region" aria-label="Picture, scrolls '
        f'sideways on a small screen"><img src="{address}" alt="{escape(alt)}"></div>'
    )


def data_uri(content: bytes, kind: str) -> str:
    """Bytes as an address that loads nothing."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def roc_panels(records: Records) -> str:
    """ROC curves of every measured row, linear and logarithmic, with one legend."""
    curves = [(row.title, r) for row, r in records.headlines() if r.roc]
    if not curves:
        return "<p>No record holds a curve.</p>"
    linear, logarithmic, legend = [], [], []
    for number, (title, result) in enumerate(curves):
        rates = zip(result.roc["far"], result.roc["tar"], strict=True)
        ends = [(float(far), float(tar)) for far, tar in rates]
        color, dash = style_of(number)
        style = f'class="curve c{color}" stroke-dasharray="{_DASHES[dash]}"'
        linear.append(_polyline(ends, style))
        kept = [(_decade(far), tar) for far, tar in ends if far >= _LOWEST_FAR]
        logarithmic.append(_polyline(kept, style))
        legend.append(
            f'<li><svg class="swatch" viewBox="0 0 34 10" aria-hidden="true">'
            f'<line x1="0" y1="5" x2="34" y2="5" {style}/></svg> {escape(title)} '
            f"<small>AUC {result.metrics['auc']:.4f}</small></li>"
        )
    ticks = {value: f"{value:g}" for value in _FIFTHS}
    decades = {_decade(value): f"{value:g}" for value in (1e-3, 1e-2, 1e-1, 1.0)}
    return (
        f'<ul class="legend">{"".join(legend)}</ul><div class="panels">'
        + _panel("ROC curves, linear", ticks, "".join(linear), "false accept rate")
        + _panel(
            "ROC curves, logarithmic",
            decades,
            "".join(logarithmic),
            "false accept rate, logarithmic",
        )  # fmt: skip
        + "</div>"
    )


def _decade(far: float) -> float:
    """0.001 to 1 on a logarithmic axis from 0 to 1."""
    return 1 + math.log10(far) / 3


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def _polyline(ends: Sequence[tuple[float, float]], style: str) -> str:
    corners = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in ends)
    return f'<polyline {style} points="{corners}"/>'


def _panel(title: str, ticks: Mapping[float, str], content: str, below: str) -> str:
    """Axes from 0 to 1 with a drawing in them."""
    left, right, top, bottom = _x(0.0), _x(1.0), _y(1.0), _y(0.0)
    parts = [
        f'<svg class="figure" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">'
    ]
    for place, label in ticks.items():
        parts.append(
            f'<line class="grid" x1="{_x(place):.1f}" x2="{_x(place):.1f}" y1="{top}" '
            f'y2="{bottom}"/><text x="{_x(place):.1f}" y="{bottom + 16}" text-anchor="middle">'
            f"{label}</text>"
        )
    for value in _FIFTHS:
        parts.append(
            f'<line class="grid" x1="{left}" x2="{right}" y1="{_y(value):.1f}" '
            f'y2="{_y(value):.1f}"/><text x="{left - 6}" y="{_y(value) + 4:.1f}" '
            f'text-anchor="end">{value:g}</text>'
        )
    parts.append(
        f'{content}<text x="{(left + right) / 2}" y="{_HEIGHT - 6}" text-anchor="middle">'
        f'{escape(below)}</text><text transform="translate(11 {(top + bottom) / 2}) rotate(-90)" '
        'text-anchor="middle">true accept rate</text></svg>'
    )
    return "".join(parts)


def fold_plots(records: Records) -> str:
    """One small plot a row: its ten folds, its mean, and mean ± standard error, on one scale."""
    shown = [(row.title, r.metrics["accuracy"]) for row, r in records.headlines()]
    shown = [(title, accuracy) for title, accuracy in shown if accuracy is not None]
    if not shown:
        return "<p>No record holds an accuracy.</p>"
    folds = [float(value) for _, accuracy in shown for value in accuracy["folds"]]
    low = min(0.5, *folds)
    return (
        '<div class="panels">'
        + "".join(_strip(title, accuracy, low, n) for n, (title, accuracy) in enumerate(shown))
        + "</div>"
    )


def _strip(title: str, accuracy: Mapping, low: float, number: int) -> str:
    def x(value: float) -> float:
        return 14 + (value - low) / (1 - low) * (_WIDTH - 28)

    mean, error = float(accuracy["mean"]), float(accuracy["standard_error"])
    ticks = [tenth / 10 for tenth in range(11) if tenth / 10 >= low]
    grid = "".join(
        f'<line class="grid" x1="{x(t):.1f}" x2="{x(t):.1f}" y1="6" y2="56"/>'
        f'<text x="{x(t):.1f}" y="72" text-anchor="middle">{t:g}</text>'
        for t in ticks
    )
    dots = "".join(
        f'<circle class="dot c{number % 7}" cx="{x(float(value)):.1f}" '
        f'cy="{20 + 6 * (fold % 3)}" r="4"><title>fold {fold + 1}: {value:.4f}</title></circle>'
        for fold, value in enumerate(accuracy["folds"])
    )
    bar = (
        f'<line class="mean" x1="{x(mean - error):.1f}" x2="{x(mean + error):.1f}" y1="48" '
        f'y2="48"/><line class="mean" x1="{x(mean):.1f}" x2="{x(mean):.1f}" y1="42" y2="54"/>'
    )
    return (
        f"<figure><figcaption>{escape(title)}: {mean:.4f} ± {error:.4f}</figcaption>"
        f'<svg class="figure" viewBox="0 0 {_WIDTH} 78" role="img" '
        f'aria-label="{escape(title)}, accuracy of ten folds">{grid}{dots}{bar}</svg></figure>'
    )
