"""Plots as SVG, made by hand: bars on a logarithmic scale, and lines over a logarithmic axis."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH, LEFT, RIGHT = 860, 270, 90
COLOURS = ("#1f6f8b", "#c05a2e", "#5a8f3c", "#7a5195")
_FONT = 'font-family="sans-serif" font-size="13"'


def bars(title: str, values: Mapping[str, float], unit: str = "ms") -> str:
    """Return horizontal bars on a logarithmic scale; ours are coloured."""
    low = 10 ** math.floor(math.log10(min(values.values())))
    high = 10 ** math.ceil(math.log10(max(values.values()) * 1.0001))
    height = 60 + 28 * len(values)

    def place(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(value / low) / math.log(high / low)

    parts = [_text(10, 22, title, bold=True)]
    parts += _ticks(low, high, place, 36, height - 20)
    for number, (name, value) in enumerate(values.items()):
        top = 42 + 28 * number
        colour = COLOURS[1] if name.startswith("ours") else COLOURS[0]
        parts.append(_text(LEFT - 8, top + 15, name, anchor="end"))
        parts.append(f'<rect x="{LEFT}" y="{top}" width="{place(value) - LEFT:.1f}" height="20" fill="{colour}"/>')
        parts.append(_text(place(value) + 6, top + 15, f"{value:.1f} {unit}"))
    return _picture(height, parts)


def _ticks(low: float, high: float, place: object, top: float, bottom: float) -> list[str]:
    assert callable(place)
    found, value = [], low
    while value <= high:
        at = place(value)
        found.append(f'<line x1="{at:.1f}" y1="{top}" x2="{at:.1f}" y2="{bottom}" stroke="#ddd"/>')
        found.append(_text(at, bottom + 15, f"{value:g}", anchor="middle"))
        value *= 10
    return found


def lines(title: str, names: Sequence[str], series: Mapping[str, Sequence[float]], unit: str = "ms") -> str:
    """Return lines over the places ``names``, from zero upwards."""
    height, top, bottom, left = 320, 50, 270, 70
    most = max((value for values in series.values() for value in values), default=1.0) * 1.1
    step = (WIDTH - left - 200) / max(1, len(names) - 1)

    def at(number: int, value: float) -> str:
        return f"{left + step * number:.1f},{bottom - (bottom - top) * value / most:.1f}"

    parts = [_text(10, 22, title, bold=True)]
    for part in range(5):
        value, y = most * part / 4, bottom - (bottom - top) * part / 4
        parts.append(f'<line x1="{left}" y1="{y:.1f}" x2="{WIDTH - 200}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(_text(left - 8, y + 4, f"{value:.0f} {unit}", anchor="end"))
    parts += [_text(left + step * number, bottom + 20, name, anchor="middle") for number, name in enumerate(names)]
    for number, (name, values) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = " ".join(at(place, value) for place, value in enumerate(values))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<rect x="{WIDTH - 180}" y="{top + 24 * number}" width="14" height="14" fill="{colour}"/>')
        parts.append(_text(WIDTH - 160, top + 12 + 24 * number, name))
    return _picture(height, parts)


def _text(x: float, y: float, text: str, anchor: str = "start", *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {_FONT}{weight}>{escape(text)}</text>'


def _picture(height: int, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *parts, "</svg>", ""])
