"""The command `fws_top`: a server's live figures in the terminal, from its /metrics.

Exit codes: 0 left with q, or printed; 1 the server cannot be reached or refuses, in one line; 2 bad usage; 130 by
ctrl-C.
"""

import argparse
import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Group, RenderableType
from rich.live import Live

from filtered_websocket.commands import exits
from filtered_websocket.commands.exits import Ended
from filtered_websocket.commands.fws_top.figures import Figures
from filtered_websocket.commands.fws_top.panel import panel
from filtered_websocket.commands.fws_top.scrape import Scrape, Server
from filtered_websocket.commands.fws_top.views import FIGURES, Views
from filtered_websocket.commands.steering import SECRET, Steered, address
from filtered_websocket.commands.terminal import console, shown

PROG = "fws_top"
PIPE_WIDTH = 200
"""Columns where there is no terminal."""
EPILOG = """\
Rates are those between two readings. A server shows its metrics to the machine it runs on; on its --admin_port; to
others by its --admin_secret. 1, 2 and 3 show figures, connections and channels; q leaves.

examples:
  fws_top                                     http://localhost:9000/metrics
  FWS_ADMIN_SECRET=secret fws_top https://example.com/metrics
  fws_top --once http://localhost:9601        one reading, as text
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command and exit."""
    exits.run(PROG, lambda: _main(argv))


def _main(argv: Sequence[str] | None) -> None:
    arguments = _parser().parse_args(argv)
    server = Server(arguments.url, arguments.secret or os.environ.get(SECRET, ""))
    once = arguments.once or not sys.stdout.isatty()
    if once:
        _print(server, arguments.interval)
    else:
        _watch(server, Steered(arguments.url, arguments.secret or os.environ.get(SECRET, "")), arguments.interval)


def _parser() -> exits.Parser:
    parser = exits.Parser(
        prog=PROG, description="Shows the live figures of a running fws_server.", epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    add = parser.add_argument
    add(
        "url",
        metavar="URL",
        nargs="?",
        type=address,
        default="http://localhost:9000",
        help="the server, or its /metrics",
    )
    add("--once", action="store_true", help="print one table and end; what a pipe gets anyway")
    add("--interval", type=_seconds, default=1.0, metavar="SECONDS", help="between two readings (default 1)")
    add("--secret", help=f"the server's admin_secret; better in {SECRET}, where other users do not see it")
    return parser


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0.1 <= value <= 3600:
        raise argparse.ArgumentTypeError("seconds are wanted, 0.1 to 3600")
    return value


def _print(server: Server, interval: float) -> None:
    before = server.ask()
    time.sleep(interval)
    screen = console() if sys.stdout.isatty() else console(width=PIPE_WIDTH, color_system=None)
    with screen.capture() as capture:
        screen.print(panel(Figures(before, server.ask()), server.url))
    for line in capture.get().splitlines():
        print(line.rstrip())  # noqa: T201 - this is a command


def _watch(server: Server, steered: Steered, interval: float) -> None:
    before: Scrape | None = None
    now, trouble = server.ask(), ""
    views = Views(steered)
    with _keys() as pressed, Live(console=console(), screen=True, auto_refresh=False) as live:
        while True:
            live.update(_shown(views, Figures(before, now), server.url, trouble, live.console.height), refresh=True)
            key = pressed(interval)
            if key in ("q", "Q", "end") and not views.types:
                return
            try:
                if views.press(key) if key else True:
                    views.refresh()
                if not key and views.view == FIGURES:
                    # The figures that were last seen stay until there are others.
                    before, now = now, server.ask()
                trouble = ""
            except Ended as ended:
                trouble = f"{time.strftime('%H:%M:%S')} {ended}"


def _shown(views: Views, figures: Figures, url: str, trouble: str, height: int) -> RenderableType:
    if views.view == FIGURES:
        return panel(figures, url, trouble)
    parts = [views.show(height - bool(trouble))]
    return Group(*parts, shown(trouble, "bold red")) if trouble else parts[0]


@contextmanager
def _keys() -> Iterator[Callable[[float], str]]:
    """Gives a function that waits so many seconds for a key, and says which it was: "" for none, "end" for the end of
    the input."""
    if not sys.stdin.isatty():
        yield _sleep
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    waiting = ""

    def pressed(seconds: float) -> str:
        nonlocal waiting
        if not waiting and select.select([terminal], [], [], seconds)[0]:
            waiting = os.read(terminal, 100).decode("utf-8", "replace") or "end"
        # An arrow is one key, of three characters.
        size = 3 if waiting.startswith(("\x1b[", "end")) else 1
        key, waiting = waiting[:size], waiting[size:]
        return key

    try:
        yield pressed
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _sleep(seconds: float) -> str:
    time.sleep(seconds)
    return ""


if __name__ == "__main__":
    main()
