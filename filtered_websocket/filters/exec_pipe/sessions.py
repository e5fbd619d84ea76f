"""A program for each connection: what its client says is its standard input, what it says goes to the client.

Rules:

1. It begins with the connection and ends with it, and the connection with it: 1000 where it exits with 0, else 1011.
2. What does not read is not fed: a client whose messages wait stops its program's output, and a program that does not
   take its input stops its client.
"""

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from filtered_websocket.filters.exec_pipe.cgi import variables
from filtered_websocket.filters.exec_pipe.lines import message_of
from filtered_websocket.filters.exec_pipe.program import Program, environment

_log = Logger()

MUCH = 64 * 1024
"""Bytes that wait for a client, or for its program: more is not read meanwhile."""
LOOK_SECONDS = 0.05
"""Between two looks whether a client has taken what waits for it."""
FAILED = 1011
ATTRIBUTE = "exec_sessions"


class Session:
    """One connection's program.

    :raises OSError: it cannot be started
    """

    def __init__(self, connection: Any, reactor: Any, words: Sequence[str], options: Any) -> None:
        self._connection, self._reactor, self._as_json = connection, reactor, options.exec_json
        self._taken: Deferred[None] | None = None
        self._look: Any = None
        self._is_wanted = True
        self.ended: Deferred[None] = Deferred()
        known = environment(options.exec_environment) | variables(connection)
        self._program = Program(
            reactor, words, known, longest=options.max_message_size,
            said=self._said, ended=self._has_ended, taken=self._has_taken,
        )  # fmt: skip

    def tell(self, line: bytes) -> "Deferred[None] | None":
        """
        :returns: None, or what fires when the program has taken what waits for it
        """
        self._program.write(line + b"\n")
        if self._program.waiting <= MUCH:
            return None
        self._taken = Deferred()
        return self._taken

    def stop(self) -> "Deferred[None]":
        """End the program; fired when it has ended."""
        self._is_wanted = False
        if self._look is not None:
            self._look.cancel()
            self._look = None
        self._program.stop("its client has left")
        return self.ended

    def _said(self, lines: list[bytes]) -> None:
        for line in lines:
            try:
                self._connection.sendMessage(message_of(line, self._as_json), False)
            except UnicodeDecodeError:
                self._program.stop("said what is no UTF-8", at_once=True)
                return
        if self._look is None and self._connection.pending > MUCH:
            self._program.pause()
            self._look = self._reactor.callLater(LOOK_SECONDS, self._has_client_taken)

    def _has_client_taken(self) -> None:
        self._look = None
        if self._connection.pending > MUCH:
            self._look = self._reactor.callLater(LOOK_SECONDS, self._has_client_taken)
        else:
            self._program.resume()

    def _has_taken(self) -> None:
        taken, self._taken = self._taken, None
        if taken is not None and not taken.called:
            taken.callback(None)

    def _has_ended(self, why: str) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None
        if self._program.status and self._is_wanted:
            _log.warn("exec_pipe: {name} {why}", name=self._program.name, why=why)
        self._has_taken()
        self._connection.close(FAILED if self._program.status else 1000, "the program has ended")
        self.ended.callback(None)


class Sessions:
    """Those of one use of the filter."""

    def __init__(self) -> None:
        self._sessions: dict[Any, Session] = {}

    def __len__(self) -> int:
        """Programs that run."""
        return len(self._sessions)

    def start(self, connection: Any, reactor: Any, words: Sequence[str], options: Any) -> None:
        """
        :raises OSError: the program cannot be started
        """
        session = self._sessions[connection] = Session(connection, reactor, words, options)
        session.ended.addCallback(lambda _: self._sessions.pop(connection, None))
        # What stands on the connection goes along when another one carries its client.
        vars(connection).setdefault(ATTRIBUTE, {})[self] = session

    def get(self, connection: Any) -> Session | None:
        found = self._sessions.get(connection) or vars(connection).get(ATTRIBUTE, {}).get(self)
        return None if found is None or found.ended.called else found

    def moved_away(self, connection: Any) -> None:
        """Its client goes on at another node, where no program has begun for it: it is to connect anew."""
        session = self.get(connection)
        if session is not None:
            session.stop()

    async def stop(self) -> None:
        """End all programs."""
        for ended in [session.stop() for session in self._sessions.values()]:
            await ended
