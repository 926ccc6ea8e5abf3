"""The figures as a picture: bars of events per second, and of the time from scan to phone. Plain SVG that follows the
reader's light or dark mode."""

from collections.abc import Sequence
from html import escape

from tests.bench.figures import by_rate, median_latency, median_per_s
from tests.bench.report import Findings

WIDTH, BAR_X, BAR_WIDTH, LINE = 860, 370, 340, 30
_STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 17px; font-weight: 600 } .small { font-size: 12px; fill: #57606a }
  .page { fill: #ffffff } .ours { fill: #0a6fc2 } .other { fill: #8c959f } .tail { fill: #c2d9ee }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9da7b1 } .page { fill: #0d1117 }
    .ours { fill: #4aa8ff } .other { fill: #6e7681 } .tail { fill: #1f4a70 }
  }
"""


def chart(found: Findings) -> str:
    """The whole picture."""
    rates = [(what, median_per_s(runs)) for what, runs in found.rates.items() if runs]
    # The generator's own rate is so far off that the others would be hairlines; the table has it.
    shown = [(what, rate) for what, rate in rates if "load generator" not in what]
    parts: list[str] = []
    y = _heading(parts, 38, "Events per second", "medians, side by side in one run; longer is better")
    most = max((rate for _, rate in shown), default=1.0)
    for what, rate in shown:
        bar = _bar(y, rate / most, "ours" if what.startswith("cart-ingest") else "other")
        parts += [_label(y, what), bar, _number(y, rate / most, f"{rate:,.0f}")]
        y += LINE
    delays = [(broker, median_latency(same)) for broker, runs in found.delays.items() for same in by_rate(runs)]
    if delays:
        y = _heading(
            parts, y + 34, "Milliseconds from scan to phone", "strong: half of all; pale: 99 of 100; shorter is better"
        )
        slowest = max(one.p99_ms for _, one in delays)
        for broker, one in delays:
            parts += [
                _label(y, f"{broker}, {one.per_s:,.0f} events/s"),
                _bar(y, one.p99_ms / slowest, "tail"),
                _bar(y, one.p50_ms / slowest, "ours"),
                _number(y, one.p99_ms / slowest, f"{one.p50_ms:.1f} / {one.p99_ms:.1f}"),
            ]
            y += LINE
    height = y + 24 + 18 * len(found.conditions)
    for number, condition in enumerate(found.conditions):
        parts.append(f'<text class="small" x="24" y="{y + 26 + 18 * number}">{escape(condition)}</text>')
    return _page(height, parts)


def _page(height: int, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        f' role="img" aria-label="Events per second and milliseconds from scan to phone">\n<style>{_STYLE}</style>\n'
        f'<rect class="page" width="{WIDTH}" height="{height}" rx="8"/>\n{body}\n</svg>\n'
    )


def _heading(parts: list[str], y: int, title: str, explanation: str) -> int:
    parts.append(f'<text class="title" x="24" y="{y}">{escape(title)}</text>')
    parts.append(f'<text class="small" x="24" y="{y + 20}">{escape(explanation)}</text>')
    return y + 38


def _label(y: int, text: str) -> str:
    short = text.split(":")[0].split(", a ")[0]
    return f'<text x="{BAR_X - 12}" y="{y + 16}" text-anchor="end">{escape(short)}</text>'


def _bar(y: int, share: float, kind: str) -> str:
    return f'<rect class="{kind}" x="{BAR_X}" y="{y}" width="{max(2.0, BAR_WIDTH * share):.1f}" height="22" rx="3"/>'


def _number(y: int, share: float, text: str) -> str:
    return f'<text x="{BAR_X + BAR_WIDTH * share + 8:.1f}" y="{y + 16}">{text}</text>'
