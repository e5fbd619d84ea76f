"""The SVG bar chart: one panel per workload, shorter is better, legible on a light and on a dark page."""

from collections.abc import Callable
from xml.sax.saxutils import escape

from figures import Figures
from rows import OURS
from workloads import IDLE, PLAIN, WORKLOADS, everywhere

PANEL, GAP, BAR, STEP, NAMES, VALUES = 480, 40, 14, 20, 158, 62
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .title { font-weight: 600; font-size: 13px; }
  .note { fill: #57606a; }
  .ours { font-weight: 600; }
  rect { fill: #8c959f; }
  .page { fill: #ffffff; }
  rect.limit { fill: #c8cdd3; }
  rect.ours { fill: #0969da; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .note { fill: #9198a1; }
    rect { fill: #6e7681; }
    .page { fill: #0d1117; }
    rect.limit { fill: #3d444d; }
    rect.ours { fill: #4493f8; }
  }"""


def chart(figures: Figures) -> str:
    panels = [
        (w.name, "cpu_us", w.title, "CPU µs per delivery") for w in WORKLOADS if w.name in PLAIN and w.name != IDLE
    ]
    panels += [(IDLE, "kb_per_conn", "10,000 idle connections", "KB each")]
    panels += [(IDLE, "hs_cpu_us", "10,000 handshakes", "CPU µs each")]
    height = 44 + len(everywhere(figures.rows)) * STEP + 18
    body = []
    for index, (workload, field, title, unit) in enumerate(panels):
        x, y = (PANEL + GAP) * (index % 2), height * (index // 2)
        body.append(f'<g transform="translate({x + 10} {y})">{_panel(figures, workload, field, title, unit)}</g>')
    width, total = 2 * PANEL + GAP + 20, height * ((len(panels) + 1) // 2) + 24
    note = f"{figures.meta.get('date', '')}, medians of {figures.meta.get('rounds', '?')} rounds; shorter is better"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {total}" role="img"'
        f' aria-label="Server CPU per delivery, memory and handshakes, by server">\n<style>{STYLE}\n</style>\n'
        f'<rect class="page" width="{width}" height="{total}"/>\n'
        + "\n".join(body)
        + f'\n<text class="note" x="10" y="{total - 8}">{escape(note)}</text>\n</svg>\n'
    )


def _panel(figures: Figures, workload: str, field: str, title: str, unit: str) -> str:
    values = {row: figures.median(row, workload, field) for row in everywhere(figures.rows)}
    scale = _scale(max([value for value in values.values() if value], default=1.0))
    lines = [f'<text y="28"><tspan class="title">{escape(title)}</tspan><tspan class="note"> {unit}</tspan></text>']
    for index, (row, value) in enumerate(values.items()):
        top = 40 + index * STEP
        kind = "ours" if row.startswith(OURS) else "limit" if row.startswith("c_limit") else "peer"
        lines.append(f'<text class="{kind}" y="{top + BAR - 3}">{escape(row)}</text>')
        if value is not None:
            lines.append(
                f'<rect class="{kind}" x="{NAMES}" y="{top}" width="{scale(value):.1f}" height="{BAR}" rx="2"/>'
            )
        text = "-" if value is None else f"{value:.2f}" if value < 100 else f"{value:.0f}"
        lines.append(f'<text class="{kind}" x="{NAMES + scale(value or 0) + 6:.1f}" y="{top + BAR - 3}">{text}</text>')
    return "".join(lines)


def _scale(largest: float) -> Callable[[float], float]:
    room = PANEL - NAMES - VALUES
    return lambda value: max(1.0, room * value / largest)
