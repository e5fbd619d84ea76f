"""How a command ends: its exit code, what says why, and nothing else.

0 done; 1 it could not be done, a line for each reason on standard error; 2 bad usage (argparse); by SIGINT 130; by
SIGPIPE, as the commands of the system end when nobody reads on.
"""

import argparse
import errno
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from filtered_websocket.errors import ConfigError, printable

UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What a disk that is full, or broken, answers."""


class Ended(Exception):  # noqa: N818 - what happened
    """The command has to end; the text says why."""


def run(prog: str, command: Callable[[], object]) -> None:
    """Run a command, the reading of its command line included, and exit.

    :param prog: its name, before what it says
    """
    _open_what_is_closed()
    try:
        try:
            command()
        finally:
            # Here, where what goes wrong can be told; argparse ends by SystemExit when it has printed its help.
            if sys.stdout is not None:
                sys.stdout.flush()
    except (Ended, ConfigError) as ended:
        # A line for each fault, and for nothing else: a reason that a server gives may hold line ends of its own.
        for reason in ended.faults if isinstance(ended, ConfigError) else (str(ended),):
            say(prog, reason)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGPIPE)
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        say(prog, f"cannot write: {error.strerror}")
        # Python would try once more to write what waits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)


class Parser(argparse.ArgumentParser):
    """Argparse's, which repeats in its errors what it was given."""

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))


def _open_what_is_closed() -> None:
    """A command may be started with its streams closed (``<&-``, ``>&-``): an empty input, and output for nobody."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - as long as the process lives


def say(prog: str, text: str) -> None:
    """A line on standard error, whatever the text is."""
    print(f"{prog}: {printable(text)}", file=sys.stderr, flush=True)  # noqa: T201 - this is a command
