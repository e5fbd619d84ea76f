"""The client at a terminal: lines are published, lines that begin with / are commands."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.patch_stdout import patch_stdout

from filtered_websocket.commands.exits import Ended
from filtered_websocket.commands.fws_client.connection import Connection
from filtered_websocket.commands.fws_client.output import Output
from filtered_websocket.commands.fws_client.protocols.base import BadTerms

HELP = """\
/subscribe NAME...     receive what is published to these channels
/unsubscribe NAME...   and no more
/to NAME               the lines that follow are published to this channel
/send TEXT             send a message as it is, whatever the protocol
/ping                  the time of a round trip
/quit                  end, as does ctrl-D
//TEXT                 publish a line that begins with a single /
anything else is published"""
PATIENCE = 2.0
"""Seconds that leaving waits for a connection, for lines that are not yet sent."""
COMMANDS = ("/subscribe", "/unsubscribe", "/to", "/send", "/ping", "/help", "/quit")
OF_NAMES = ("/subscribe", "/unsubscribe", "/to")


class Prompt(Completer):
    """
    :param channel: where lines go, "" for nowhere yet, or where there are no channels
    :param as_json: lines are JSON values
    :param as_list: and these are lists
    """

    def __init__(
        self, connection: Connection, output: Output, channel: str, as_json: bool = False, as_list: bool = False
    ) -> None:
        self._connection, self._output = connection, output
        self._channel, self._as_json, self._as_list = channel, as_json, as_list
        self._names = dict.fromkeys([*connection.channels, *([channel] if channel else [])])

    async def run(self) -> None:
        """Take lines until there are no more, and obey them in order.

        :raises Ended: the last of them could not be obeyed
        """
        session: PromptSession[str] = PromptSession(
            history=_history(),
            completer=self,
            auto_suggest=AutoSuggestFromHistory(),
            complete_while_typing=False,
            input=_Keys(sys.stdin),
        )
        lines: asyncio.Queue[str] = asyncio.Queue()
        obeys = asyncio.create_task(self._obey(lines, session))
        try:
            with patch_stdout(raw=True), session.input.raw_mode():
                while (line := await session.prompt_async(lambda: f"{self._channel}> ")) != "/quit":
                    lines.put_nowait(line)
        except EOFError:
            pass
        try:
            async with asyncio.timeout(PATIENCE):
                await lines.join()
        except TimeoutError:
            raise Ended("there is no connection: what was typed last has not been sent") from None
        finally:
            obeys.cancel()

    async def _obey(self, lines: asyncio.Queue[str], session: PromptSession[str]) -> None:
        # Beside the prompt: without a connection lines wait, and the prompt does not.
        while True:
            line = await lines.get()
            try:
                await self._take(line)
            except (BadTerms, Ended) as error:
                self._output.notice(str(error), True)
            lines.task_done()
            session.app.invalidate()

    async def _take(self, line: str) -> None:
        command, _, rest = line.partition(" ")
        names = rest.split()
        if not line.startswith("/") or line.startswith("//"):
            if line:
                await self._publish(line.removeprefix("/") if line.startswith("//") else line)
        elif command == "/subscribe" and names:
            for name in names:
                self._names[name] = None
                await self._connection.subscribe(name)
            self._output.notice(f"subscribed to {', '.join(self._connection.channels) or 'nothing'}", True)
        elif command == "/unsubscribe" and names:
            for name in names:
                await self._connection.unsubscribe(name)
        elif command == "/to" and len(names) == 1 and self._connection.protocol.names != "none":
            (self._channel,) = names
            self._names[self._channel] = None
            if self._connection.protocol.joins:
                await self._connection.subscribe(self._channel)
        elif command == "/send" and rest:
            await self._connection.send(rest)
        elif command == "/ping":
            self._output.notice(f"{await self._connection.ping() * 1000:.3f} ms", True)
        else:
            for each in HELP.splitlines():
                self._output.notice(each, True)

    async def _publish(self, line: str) -> None:
        if self._connection.protocol.names == "required" and not self._channel:
            raise BadTerms("to which channel? /to NAME says so")
        data: Any = line
        if self._as_json:
            try:
                data = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise BadTerms(f"no JSON: {error}") from None
            if self._as_list and not isinstance(data, list):
                raise BadTerms("no JSON list: the arguments of an event are wanted")
        await self._connection.publish([(self._channel, data)])

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        before = document.text_before_cursor
        command, space, rest = before.partition(" ")
        word = rest.rpartition(" ")[2] if space else command
        known = (*self._connection.channels, *self._names) if space and command in OF_NAMES else ()
        for each in dict.fromkeys(known if space else COMMANDS):
            if word.startswith("/" if not space else "") and each.startswith(word):
                yield Completion(each, -len(word))


class _Keys(Vt100Input):
    """Keys of a terminal that stays raw while a message is printed, and from one prompt to the next: cooked, it would
    echo what is typed meanwhile, and swallow ctrl-D.
    """

    def cooked_mode(self) -> AbstractContextManager[None]:
        return nullcontext()


def _history() -> History:
    """What was typed before, in a file that nobody else reads."""
    folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "filtered_websocket"
    file = folder / "fws_client_history"
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)
        file.touch(0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(file)
