"""The views of connections and channels: what keys do there, and what is seen.

A view is asked anew with each reading; between two it stays as it is. What is chosen is chosen by its name, so that it
stays so when others come and go.
"""

import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from filtered_websocket.commands.exits import Ended
from filtered_websocket.commands.fws_admin.tables import CHANNELS, CONNECTIONS, line, table
from filtered_websocket.commands.steering import Steered, in_path
from filtered_websocket.commands.terminal import shown

FIGURES, LISTED, NOISY = "1", "2", "3"
SORTS = ("oldest", "newest", "waiting", "user", "address")
LIMIT = 200
"""Rows that are asked for."""
KEPT = 500
"""Events of a trace."""
HELP = {
    FIGURES: "1 figures  2 connections  3 channels  q leaves",
    LISTED: "1 figures  2 connections  3 channels  s sort  / user  t trace  x end  q leaves",
    NOISY: "1 figures  2 connections  3 channels  t trace  q leaves",
}
UP, DOWN, ENTER, BACKSPACE, ESCAPE = "\x1b[A", "\x1b[B", "\n", "\x7f", "\x1b"


class Views:
    """
    :param server: that is asked
    :ivar view: which is shown
    """

    def __init__(self, server: Steered) -> None:
        self._server = server
        self.view = FIGURES
        self._rows: list[dict[str, Any]] = []
        self._chosen = ""
        self._sort = 0
        self._user = ""
        self._typed: str | None = None
        self._ending = ""
        self._said = ""
        self._silent: list[str] = []
        self._total = 0
        self._trace: Trace | None = None

    @property
    def types(self) -> bool:
        """Whether keys are letters of a name."""
        return self._typed is not None

    @property
    def _name(self) -> str:
        return "id" if self.view == LISTED else "name"

    # Keys.

    def press(self, key: str) -> bool:
        """Do what a key says; whether the view is to be asked anew."""
        if self._trace is not None:
            self._trace.stop()
            self._trace = None
            return True
        if self._typed is not None:
            return self._type(key)
        if self._ending:
            ending, self._ending = self._ending, ""
            if key in ("y", "Y"):
                self._end(ending)
            return True
        if key in HELP:
            self.view, self._rows, self._said = key, [], ""
            return True
        if self.view == FIGURES:
            return False
        if key in (UP, "k", DOWN, "j"):
            self._move(-1 if key in (UP, "k") else 1)
        elif key == "s" and self.view == LISTED:
            self._sort = (self._sort + 1) % len(SORTS)
            return True
        elif key == "/" and self.view == LISTED:
            self._typed = ""
        elif key == "t" and self._chosen:
            self._trace = Trace(self._server, {"id" if self.view == LISTED else "channel": self._chosen})
        elif key == "x" and self.view == LISTED:
            self._ending = self._chosen
        return False

    def _type(self, key: str) -> bool:
        assert self._typed is not None
        if key in (ENTER, "\r"):
            self._user, self._typed = self._typed, None
            return True
        if key == ESCAPE:
            self._typed = None
        elif key == BACKSPACE:
            self._typed = self._typed[:-1]
        elif key.isprintable():
            self._typed += key
        return False

    def _move(self, by: int) -> None:
        names = [row[self._name] for row in self._rows]
        if names:
            at = names.index(self._chosen) if self._chosen in names else -by if by > 0 else 1
            self._chosen = names[max(0, min(len(names) - 1, at + by))]

    def _end(self, ident: str) -> None:
        try:
            answer = self._server.ask(f"/connections/{in_path(ident)}", {"reason": "by an operator"}, "DELETE")
            self._said = f"{answer['ended']} ended"
        except Ended as ended:
            self._said = str(ended)

    # What is seen.

    def refresh(self) -> None:
        """Ask the server for what is shown.

        :raises Ended: it does not say
        """
        if self.view == FIGURES or self._trace is not None:
            return
        if self.view == LISTED:
            asked = {"sort": SORTS[self._sort], "limit": LIMIT, "user": self._user or None}
            answer = self._server.ask("/connections", asked)
            self._rows, self._total = answer["connections"], answer["total"]
        else:
            answer = self._server.ask("/channels", {"limit": LIMIT})
            self._rows, self._total = answer["channels"], answer["at_least"]
        self._silent = answer["unanswered"]
        if self._chosen not in [row[self._name] for row in self._rows]:
            self._chosen = self._rows[0][self._name] if self._rows else ""

    def show(self, height: int) -> RenderableType:
        """
        :param height: lines that there are
        """
        return Group(*self._parts(height))

    def _parts(self, height: int) -> Iterator[RenderableType]:
        if self._trace is not None:
            yield shown(f"trace of {self._chosen}: a key ends it", "bold")
            yield from self._trace.show(height - 2)
            return
        titles = CONNECTIONS if self.view == LISTED else CHANNELS
        yield self._head()
        names = [row[self._name] for row in self._rows]
        at = names.index(self._chosen) if self._chosen in names else 0
        room = max(1, height - 5)
        first = max(0, min(at - room // 2, len(names) - room))
        yield table(titles, self._rows[first : first + room], at - first if names else None)
        if self._silent:
            yield shown(f"no answer from {', '.join(self._silent)}", "bold red")
        yield self._asks()

    def _head(self) -> Text:
        what = "connections" if self.view == LISTED else "channels"
        said = f"{len(self._rows)} of {self._total} {what}"
        if self.view == LISTED:
            said += f", {SORTS[self._sort]} first" + (f", of user {self._user}" if self._user else "")
        return shown(said, "bold")

    def _asks(self) -> Text:
        if self._typed is not None:
            return shown(f"user: {self._typed}_", "bold")
        if self._ending:
            return shown(f"end {self._ending}? y ends it, any other key does not", "bold red")
        return shown(self._said or HELP[self.view], "bold" if self._said else "dim")


class Trace:
    """A trace that is read beside the keys."""

    def __init__(self, server: Steered, of: dict[str, str]) -> None:
        self._lines: deque[str] = deque(maxlen=KEPT)
        self._stopped = threading.Event()
        threading.Thread(target=self._read, args=(server, of), daemon=True).start()

    def _read(self, server: Steered, of: dict[str, str]) -> None:
        try:
            for event in server.trace(of):
                if self._stopped.is_set():
                    return
                self._lines.append(line(event))
        except Ended as ended:
            self._lines.append(str(ended))

    def stop(self) -> None:
        """Read no more: with the next event, or sign of life, its connection is closed."""
        self._stopped.set()

    def show(self, lines: int) -> Iterator[RenderableType]:
        """The newest lines."""
        for each in list(self._lines)[-max(1, lines) :]:
            yield Text(each, no_wrap=True, overflow="ellipsis")
