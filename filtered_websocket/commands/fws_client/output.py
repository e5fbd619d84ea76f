"""What a client of a terminal or a pipe is shown: messages on standard output, all else on standard error."""

import json
import sys
import time
from typing import Any

from filtered_websocket.commands.exits import say
from filtered_websocket.commands.fws_client.protocols.base import Heard, one_line


class Output:
    """In a pipe a message is a line, as it came; on a terminal it has a time, and JSON is laid out.

    :param data: show what was published, and nothing of the packet around it
    :param verbose: tell of connections and subscriptions too
    """

    def __init__(self, prog: str, data: bool, verbose: bool) -> None:
        self._prog, self._data = prog, data
        self._verbose = verbose or sys.stderr.isatty()
        self._console: Any = None
        if sys.stdout.isatty():
            from filtered_websocket.commands.terminal import console

            self._console = console()

    def heard(self, heard: Heard) -> None:
        shown = heard.data if self._data else heard.text
        if self._console is None:
            self.line(shown if isinstance(shown, str | bytes) else one_line(shown))
        else:
            self._lay_out(heard.channel, shown)

    def line(self, text: str | bytes) -> None:
        data = text.encode("utf-8", "backslashreplace") if isinstance(text, str) else text
        sys.stdout.buffer.write(data + b"\n")
        sys.stdout.buffer.flush()

    def notice(self, text: str, trouble: bool) -> None:
        if trouble or self._verbose:
            say(self._prog, text)

    def _lay_out(self, channel: str, shown: Any) -> None:
        from rich.highlighter import JSONHighlighter
        from rich.text import Text

        from filtered_websocket.commands.terminal import shown as text_of

        text, is_json = _readable(shown)
        body = text_of(text, newlines=True)
        if is_json:
            JSONHighlighter().highlight(body)
        head = Text(f"{time.strftime('%H:%M:%S')} ", "dim") + text_of(f"{channel} " if channel else "", "bold")
        self._console.print(head + body, soft_wrap=True)


def _readable(shown: Any) -> tuple[str, bool]:
    """Text for people, and whether it is JSON; JSON within JSON is unpacked."""
    if isinstance(shown, bytes):
        return repr(shown)[2:-1], False
    value = _unpacked(shown)
    if isinstance(value, str):
        return value, False
    if isinstance(value, dict) and isinstance(value.get("data"), str):
        value = value | {"data": _unpacked(value["data"])}
    return json.dumps(value, indent=4, ensure_ascii=False).encode("utf-8", "backslashreplace").decode(), True


def _unpacked(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            pass
    return value
