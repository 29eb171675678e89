"""Line charts as inline SVG: no script, nothing fetched, colours from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 520, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 34, 40
_TICKS = 5
TONES = 8
"""Line styles ``tone-0`` to ``tone-7`` of the style sheet."""


@dataclass(frozen=True, slots=True)
class Line:
    """Points joined from left to right, those of NaN left out, with a band around them if there is one."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    tone: int
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    marked: bool = False
    """Every point has a dot."""
    steps: bool = False
    """A value holds until the next."""


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis's title; ``scale`` turns the points' unit into the one that is shown."""

    title: str
    scale: float = 1.0
    logarithmic: bool = False
    """Of x, where all values are above 0."""


def chart(title: str, x: Axis, y: Axis, lines: Sequence[Line], above: Axis | None = None) -> str:
    """A figure with its legend. ``above`` is a second x axis, over the plot."""
    frame = _Frame.around(lines, logarithmic=x.logarithmic)
    parts = [*_y_ticks(frame, y), *_x_ticks(frame, x, HEIGHT - _BOTTOM + 16)]
    parts.append(_text(WIDTH / 2, HEIGHT - 6, x.title, "middle"))
    if above is not None:
        parts += [*_x_ticks(frame, above, _TOP - 6), _text(WIDTH - _RIGHT, 12, above.title, "end")]
    parts.append(_text(0, 12, y.title, "start"))
    parts += [_band(frame, line) for line in lines if line.low is not None and line.high is not None]
    parts += [part for line in reversed(lines) for part in _drawn(frame, line)]  # the first on top
    legend = "".join(
        f'<li><svg viewBox="0 0 24 8" aria-hidden="true"><path class="line tone-{line.tone % TONES}" '
        f'd="M0 4H24"/></svg>{escape(line.name)}</li>'
        for line in lines
    )
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg><ul class="legend">{legend}</ul></figure>'
    )


@dataclass(frozen=True, slots=True)
class _Frame:
    """What part of the plane is shown."""

    left: float
    right: float
    bottom: float
    top: float
    logarithmic: bool

    @staticmethod
    def around(lines: Sequence[Line], *, logarithmic: bool) -> _Frame:
        x = [value for line in lines for value in line.x]
        sides = [side for line in lines for side in (line.y, line.low, line.high) if side is not None]
        y = [value for side in sides for value in side if math.isfinite(value)]
        bottom, top = min(y, default=0.0), max(y, default=1.0)
        margin = max(0.06 * (top - bottom), 0.001 * abs(top)) or 1.0
        left, right = min(x, default=1.0) if logarithmic else 0.0, max(x, default=1.0)
        if right <= left:
            right = left + 1.0
        return _Frame(left, right, bottom - margin, top + margin, logarithmic)

    def x(self, value: float) -> float:
        share = (value - self.left) / (self.right - self.left)
        if self.logarithmic:
            share = math.log(value / self.left) / math.log(self.right / self.left)
        return _LEFT + share * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - _BOTTOM - (value - self.bottom) / (self.top - self.bottom) * (HEIGHT - _TOP - _BOTTOM)


def ticks(low: float, high: float) -> list[float]:
    """About five round numbers from ``low`` to ``high``: 1, 2 or 5 times a power of ten apart."""
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def logarithmic_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times the powers of ten from ``low`` to ``high``."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [size * 10.0**power for power in powers for size in (1, 2, 5) if low <= size * 10.0**power <= high]


def _y_ticks(frame: _Frame, axis: Axis) -> Iterator[str]:
    for value in ticks(frame.bottom * axis.scale, frame.top * axis.scale):
        at = frame.y(value / axis.scale)
        yield f'<path class="grid" d="M{_LEFT} {at:.1f}H{WIDTH - _RIGHT}"/>'
        yield _text(_LEFT - 6, at + 4, _number(value), "end")


def _x_ticks(frame: _Frame, axis: Axis, height: float) -> Iterator[str]:
    spaced = logarithmic_ticks if axis.logarithmic else ticks
    for value in spaced(frame.left * axis.scale, frame.right * axis.scale):
        yield _text(frame.x(value / axis.scale), height, _number(value), "middle")


def _drawn(frame: _Frame, line: Line) -> Iterator[str]:
    known = [(frame.x(x), frame.y(y)) for x, y in zip(line.x, line.y, strict=True) if math.isfinite(y)]
    if not known:
        return
    path = f"M{known[0][0]:.1f} {known[0][1]:.1f}"
    for x, y in known[1:]:
        path += f"H{x:.1f}V{y:.1f}" if line.steps else f"L{x:.1f} {y:.1f}"
    tone = f"tone-{line.tone % TONES}"
    yield f'<path class="line {tone}" d="{path}"><title>{escape(line.name)}</title></path>'
    if line.marked or len(known) == 1:
        yield from (f'<circle class="dot {tone}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in known)


def _band(frame: _Frame, line: Line) -> str:
    known = [
        (frame.x(x), frame.y(low), frame.y(high))
        for x, low, high in zip(line.x, line.low or (), line.high or (), strict=True)
        if math.isfinite(low) and math.isfinite(high)
    ]
    edge = [f"{x:.1f} {high:.1f}" for x, _, high in known] + [
        f"{x:.1f} {low:.1f}" for x, low, _ in known[::-1]
    ]
    return f'<path class="band tone-{line.tone % TONES}" d="M{"L".join(edge)}Z"/>' if known else ""


def _text(x: float, y: float, content: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'


def _number(value: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:.6g}"
