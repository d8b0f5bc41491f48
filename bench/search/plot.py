"""Line and point plots as SVG text, without a plotting library; it measures nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 360, 60, 44, 34, 170
COLOURS = ("#1b6ca8", "#d1495b", "#5f9e4a", "#8a5fbf", "#c28a1c", "#4a4a4a", "#2a9d8f", "#a05a2c")


@dataclass(frozen=True)
class Series:
    """One line: its name and its points (x, y)."""

    name: str
    points: Sequence[tuple[float, float]]
    dots: bool = False


def draw(title: str, across: str, up: str, series: Sequence[Series]) -> str:
    """Draw series over one another, from 0 on both axes.

    Raises:
        ValueError: There is nothing to draw.
    """
    every = [point for each in series for point in each.points]
    if not every:
        raise ValueError("nothing to draw")
    most_x = max(x for x, _ in every) or 1.0
    most_y = 1.05 * max(y for _, y in every) or 1.0
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(x: float, y: float) -> tuple[float, float]:
        return LEFT + wide * x / most_x, TOP + high * (1 - y / most_y)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, 20, title, bold=True),
        _text(LEFT + wide / 2, HEIGHT - 8, across, anchor="middle"),
        f'<g transform="translate(14 {TOP + high / 2}) rotate(-90)">'
        f"{_text(0, 0, up, anchor='middle')}</g>",
    ]
    for step in range(6):
        x, y = place(most_x * step / 5, most_y * step / 5)
        ground = TOP + high
        parts += [
            f'<line x1="{LEFT}" x2="{LEFT + wide}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>',
            _text(LEFT - 6, y + 4, f"{most_y * step / 5:.3g}", anchor="end"),
            _text(x, ground + 16, f"{most_x * step / 5:.3g}", anchor="middle"),
        ]
    for index, each in enumerate(series):
        colour = COLOURS[index % len(COLOURS)]
        placed = [place(x, y) for x, y in each.points]
        if each.dots:
            parts += [
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}" fill-opacity="0.6"/>'
                for x, y in placed
            ]
        else:
            line = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
            parts.append(
                f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
            )
        row = TOP + 14 + 18 * index
        left = LEFT + wide + 12
        parts += [
            f'<rect x="{left}" y="{row - 9}" width="10" height="10" fill="{colour}"/>',
            _text(left + 16, row, each.name),
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _text(x: float, y: float, text: str, *, anchor: str = "start", bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    safe = text.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight}>{safe}</text>'
