"""Plots as SVG, drawn by hand: bars of the bench, lines of how cost grows, figures over time."""

from collections.abc import Mapping, Sequence
from html import escape

BAR, GAP, LEFT, WIDTH, CHART = 18, 10, 230, 720, 380
STYLE = "<style>text{font:13px sans-serif;fill:#222}.s{fill:#666}.t{font-weight:bold}</style>"


def bars(title: str, groups: Mapping[str, Mapping[str, float]], unit: Mapping[str, str]) -> str:
    """One group of bars for each figure, one bar for each system; every figure has a scale of its own."""
    parts, y = [f'<text class="t" x="10" y="22">{escape(title)}</text>'], 46
    for figure, values in groups.items():
        parts.append(f'<text class="t" x="10" y="{y}">{escape(figure)}</text>')
        y += 10
        top = max(values.values(), default=1) or 1
        for number, (system, value) in enumerate(values.items()):
            length = max(1, CHART * value / top)
            colour = "#999" if not number else "#2f6fab"
            parts.append(f'<text x="20" y="{y + 14}">{escape(system)}</text>')
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{length:.0f}" height="{BAR}" fill="{colour}"/>')
            said = f"{value:,.0f}" if value >= 100 else f"{value:,.2f}"
            parts.append(f'<text class="s" x="{LEFT + length + 6:.0f}" y="{y + 14}">{said} {unit[figure]}</text>')
            y += BAR + 4
        y += GAP + 14
    return _page(parts, y)


def lines(title: str, series: Mapping[str, Sequence[tuple[float, float]]], unit: str) -> str:
    """Cost against size, both in steps of ten, one line for each thing that grows."""
    import math

    points = [point for line in series.values() for point in line]
    low_x, high_x = (f(math.log10(max(x, 1)) for x, _ in points) for f in (min, max))
    low_y, high_y = (f(math.log10(max(y, 1e-3)) for _, y in points) for f in (min, max))

    def at(x: float, y: float) -> tuple[float, float]:
        along = (math.log10(max(x, 1)) - low_x) / ((high_x - low_x) or 1)
        up = (math.log10(max(y, 1e-3)) - low_y) / ((high_y - low_y) or 1)
        return 60 + along * 400, 300 - up * 240

    parts = [f'<text class="t" x="10" y="22">{escape(title)} ({escape(unit)}; both axes in steps of ten)</text>']
    for number, (name, line) in enumerate(series.items()):
        colour = ("#2f6fab", "#b5462f", "#3d8b40", "#8a5fb0", "#b08a2f", "#555")[number % 6]
        path = " ".join(f"{x:.0f},{y:.0f}" for x, y in (at(*point) for point in line))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for point in line:
            x, y = at(*point)
            parts.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3" fill="{colour}"/>')
            parts.append(f'<text class="s" x="{x + 4:.0f}" y="{y - 5:.0f}">{point[1]:.3g}</text>')
        parts.append(f'<text x="480" y="{70 + 20 * number}" style="fill:{colour}">{escape(name)}</text>')
    return _page(parts, 330)


def over_time(title: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """A chart for each name: its values by minutes, from 0 to its own largest."""
    parts, y = [f'<text class="t" x="10" y="22">{escape(title)}</text>'], 50
    for name, line in series.items():
        last, top = max(at for at, _ in line) or 1, max(value for _, value in line) or 1
        path = " ".join(f"{20 + at / last * 600:.1f},{y + 90 - value / top * 80:.1f}" for at, value in line)
        parts.append(f'<text x="20" y="{y}">{escape(name)}</text>')
        parts.append(f'<polyline points="20,{y + 90} 620,{y + 90}" fill="none" stroke="#ccc"/>')
        parts.append(f'<polyline points="{path}" fill="none" stroke="#2f6fab" stroke-width="1.5"/>')
        parts.append(f'<text class="s" x="626" y="{y + 14}">{top:,.4g}</text>')
        parts.append(f'<text class="s" x="626" y="{y + 94}">{last:.3g} min</text>')
        y += 125
    return _page(parts, y)


def _page(parts: Sequence[str], height: float) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img">'
    return "\n".join([head, STYLE, '<rect width="100%" height="100%" fill="#fff"/>', *parts, "</svg>", ""])
