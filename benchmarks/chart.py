"""The guide's chart: the CPU time of calls over bare urllib3, as an SVG drawn from the results."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from benchmarks.calls import NAMES
from benchmarks.comparison import Ratio, Result

WIDTH = 760
LEFT, RIGHT = 190, 60
VALUE = 30
"""The approximate width of a value's text."""
BAR, GAP, GROUP_GAP, TOP = 18, 4, 26, 64
_SUBJECTS = (
    ("knetik_cloud", "call: {name}", "#1f6f8b"),
    ("knetik_cloud with msgspec", "call: {name}, msgspec", "#5fb3c8"),
    ("openapi-generator", "openapi-generator: {name}", "#b58b4c"),
    ("openapi-python-client", "openapi-python-client: {name}", "#8a8a8a"),
)


def draw(results: Sequence[Result]) -> str:
    """Draw a group of bars for one entry and for each page, and the line at 1.00 that is bare urllib3."""
    ratios = {result.name: result for result in results if isinstance(result, Ratio)}
    groups = [(name, _bars(ratios, name)) for name in NAMES.values()]
    most = max([1.0, *(max(bar.ratio, bar.high) for _, bars in groups for _, bar, _ in bars)])
    scale = (WIDTH - LEFT - RIGHT) / most
    parts: list[str] = []
    y = TOP
    for name, bars in groups:
        parts.append(_text(12, y - 8, name[0].upper() + name[1:], "group"))
        for label, ratio, color in bars:
            parts += _bar(y, label, ratio, color, scale)
            y += BAR + GAP
        y += GROUP_GAP
    line = LEFT + scale
    parts.append(f'<line x1="{line:.1f}" y1="{TOP - 24}" x2="{line:.1f}" y2="{y - GROUP_GAP}" class="one"/>')
    parts.append(_text(line + 4, TOP - 16, "bare urllib3 + json.loads = 1.00", "note"))
    title = _text(12, 24, "CPU time of a call, over bare urllib3 (less is better)", "title")
    legend = _text(LEFT, y - 4, "Bars: medians of all rounds. Lines: their quartiles.", "legend")
    return _FRAME.format(width=WIDTH, height=y + 12, parts="\n".join([title, *parts, legend]))


def _bars(ratios: dict[str, Ratio], name: str) -> list[tuple[str, Ratio, str]]:
    measured = [(label, ratios.get(key.format(name=name)), color) for label, key, color in _SUBJECTS]
    return [(label, ratio, color) for label, ratio, color in measured if ratio is not None]


def _bar(y: int, label: str, ratio: Ratio, color: str, scale: float) -> list[str]:
    middle, base = y + BAR / 2, y + BAR - 5
    low, high, end = (LEFT + value * scale for value in (ratio.low, ratio.high, ratio.ratio))
    return [
        f'<text x="{LEFT - 8}" y="{base}" text-anchor="end">{escape(label)}</text>',
        f'<rect x="{LEFT}" y="{y}" width="{end - LEFT:.1f}" height="{BAR}" fill="{color}"/>',
        f'<line x1="{low:.1f}" y1="{middle}" x2="{high:.1f}" y2="{middle}" class="spread"/>',
        _text(_next_to(max(end, high) + 6, LEFT + scale), base, f"{ratio.ratio:.2f}", "value"),
    ]


def _next_to(x: float, line: float) -> float:
    """Move a value that the line at 1.00 would cross behind the line."""
    return line + 6 if x < line + 4 and line < x + VALUE else x


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(text)}</text>'


_FRAME = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
height="{height}" role="img">
<style>
text {{ font: 12px system-ui, sans-serif; fill: #333 }}
.title {{ font-size: 15px; font-weight: 600 }}
.group, .value {{ font-weight: 600 }}
.note {{ fill: #a33 }}
.legend {{ fill: #777 }}
.one {{ stroke: #a33; stroke-dasharray: 4 3 }}
.spread {{ stroke: #222; stroke-width: 2 }}
</style>
<rect width="{width}" height="{height}" fill="#fff"/>
{parts}
</svg>
"""
