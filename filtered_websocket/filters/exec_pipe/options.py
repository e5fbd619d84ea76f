"""The options of exec_pipe."""

import shlex
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

from filtered_websocket.config import Option, boolean, integer, seconds, text, words
from filtered_websocket.errors import ConfigError


def _command(value: Any) -> str:
    command = text(value)
    try:
        shlex.split(command)
    except ValueError as error:
        raise ValueError(f"a command is wanted as a shell takes it: {error}") from None
    return command


COMMAND = Option(
    "exec_pipe",
    _command,
    "",
    "the program that messages go through, with its arguments; no shell reads it",
    scope="use",
)
SHELL = Option("exec_shell", boolean, False, "have /bin/sh read exec_pipe", scope="use", switch=True)
JSON = Option(
    "exec_json",
    boolean,
    False,
    "each message is a JSON string in its line, so that it may hold line ends; an answer that is one is read as such",
    scope="use",
    switch=True,
)
TIMEOUT = Option("exec_timeout", seconds(0.01, 3600), 5.0, "longest time for an answer", unit="s", scope="use")
IN_FLIGHT = Option(
    "exec_in_flight", integer(1, 1024), 1, "messages that the program is told before it has answered the first of them",
    scope="use",
)  # fmt: skip
PER_CONNECTION = Option(
    "exec_per_connection",
    boolean,
    False,
    "a program for each connection: what it says goes to its client, and nothing goes on in the chain",
    scope="use",
    switch=True,
)
PROGRAMS = Option(
    "exec_programs", integer(1, 100_000), 100, "most programs of exec_per_connection at a time; others get 503",
    scope="use", limits=True,
)  # fmt: skip
ENVIRONMENT = Option(
    "exec_environment",
    words,
    [],
    "names of further environment variables that the program sees",
    many=True,
    scope="use",
)
OPTIONS = (COMMAND, SHELL, JSON, TIMEOUT, IN_FLIGHT, PER_CONNECTION, PROGRAMS, ENVIRONMENT)


def command(options: Any) -> Sequence[str]:
    """The program and its arguments."""
    return ["/bin/sh", "-c", options.exec_pipe] if options.exec_shell else shlex.split(options.exec_pipe)


def check(options: Any) -> None:
    """
    :raises ConfigError: there is no such program
    """
    found = command(options) if options.exec_pipe.strip() else []
    if not found:
        raise ConfigError('exec_pipe: a command is wanted: --exec_pipe "jq -c --unbuffered ."')
    if shutil.which(found[0]) is None:
        raise ConfigError(f"exec_pipe: there is no program {found[0]} on the PATH")


def no_effect(options: Any) -> Iterator[tuple[str, str]]:
    """What takes no effect beside other options: its name, and why."""
    if options.exec_per_connection:
        yield "exec_in_flight", "with exec_per_connection"
        yield "exec_timeout", "with exec_per_connection"
    else:
        yield "exec_programs", "without exec_per_connection"
