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
from urllib.parse import urlsplit

from rich.live import Live

from filtered_websocket.commands import exits
from filtered_websocket.commands.exits import Ended
from filtered_websocket.commands.fws_top.figures import Figures
from filtered_websocket.commands.fws_top.panel import panel
from filtered_websocket.commands.fws_top.scrape import Scrape, Server
from filtered_websocket.commands.terminal import console

PROG = "fws_top"
SECRET = "FWS_ADMIN_SECRET"  # noqa: S105 - a name, that of the server's option
PIPE_WIDTH = 200
"""Columns where there is no terminal."""
EPILOG = """\
Rates are those between two readings. A server shows its metrics to the machine it runs on; on its --admin_port; to
others by its --admin_secret. q leaves.

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
    (_print if once else _watch)(server, arguments.interval)


def _parser() -> exits.Parser:
    parser = exits.Parser(
        prog=PROG, description="Shows the live figures of a running fws_server.", epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    add = parser.add_argument
    add("url", metavar="URL", nargs="?", type=_url, default="http://localhost:9000", help="the server, or its /metrics")
    add("--once", action="store_true", help="print one table and end; what a pipe gets anyway")
    add("--interval", type=_seconds, default=1.0, metavar="SECONDS", help="between two readings (default 1)")
    add("--secret", help=f"the server's admin_secret; better in {SECRET}, where other users do not see it")
    return parser


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        if parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port):
            return text
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is no address such as http://localhost:9000")


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


def _watch(server: Server, interval: float) -> None:
    before: Scrape | None = None
    now, trouble = server.ask(), ""
    with _keys() as quits, Live(console=console(), screen=True, auto_refresh=False) as live:
        while True:
            live.update(panel(Figures(before, now), server.url, trouble), refresh=True)
            if quits(interval):
                return
            try:
                # The figures that were last seen stay until there are others.
                before, now, trouble = now, server.ask(), ""
            except Ended as ended:
                trouble = f"{time.strftime('%H:%M:%S')} {ended}"


@contextmanager
def _keys() -> Iterator[Callable[[float], bool]]:
    """Gives a function that waits so many seconds and says whether q was pressed meanwhile."""
    if not sys.stdin.isatty():
        yield _sleep
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)

    def quits(seconds: float) -> bool:
        end = time.monotonic() + seconds
        while select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
            if os.read(terminal, 100) in (b"", b"q", b"Q"):
                return True
        return False

    try:
        yield quits
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


if __name__ == "__main__":
    main()
