"""One run of fws_client: what was asked for, done over a connection."""

import asyncio
import json
import os
from collections.abc import Callable
from typing import Any

from filtered_websocket.commands.exits import Ended
from filtered_websocket.commands.fws_client import latency
from filtered_websocket.commands.fws_client.arguments import Job
from filtered_websocket.commands.fws_client.connection import Connection
from filtered_websocket.commands.fws_client.output import Output
from filtered_websocket.commands.fws_client.protocols.base import Denied, Heard, Protocol
from filtered_websocket.commands.fws_client.standard_input import StandardInput


class Run:
    """The job, done.

    :param make_protocol: a new client of the protocol
    :param options: of `Connection`
    """

    def __init__(
        self, job: Job, make_protocol: Callable[[], Protocol], output: Output, options: dict[str, Any]
    ) -> None:
        self._job, self._output = job, output
        self._make_protocol, self._options = make_protocol, options
        self._left = job.limit
        self._counted = asyncio.Event()
        self._own = latency.OwnMessages()
        self._connections = [self._connection()]
        if job.latency is not None and job.publish is not None and not self._connections[0].protocol.returns:
            self._connections.append(self._connection())
        self._hidden = {job.publish} - set(job.subscribe or ()) if job.publish else set()

    def _connection(self) -> Connection:
        heard = self._heard if self._job.latency is None else self._own.heard
        return Connection(self._make_protocol(), heard, self._output.notice, self._denied, **self._options)

    async def run(self) -> None:
        """
        :raises Ended: it could not be done
        """
        tasks = [asyncio.create_task(self._work()), asyncio.create_task(self._counted.wait())]
        running = [asyncio.create_task(connection.run()) for connection in self._connections]
        try:
            done, _ = await asyncio.wait([*tasks, *running], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            for connection in self._connections:
                await connection.close()
            await asyncio.gather(*running)
        finally:
            for task in (*tasks, *running):
                task.cancel()
            await asyncio.gather(*tasks, *running, return_exceptions=True)

    def _heard(self, heard: Heard) -> None:
        if heard.is_answer:
            self._output.heard(heard)
            return
        if self._job.subscribe is None or heard.channel in self._hidden or self._left == 0:
            return
        self._output.heard(heard)
        if self._left is not None:
            self._left -= 1
            if not self._left:
                self._counted.set()

    def _denied(self, denied: Denied) -> None:
        text = f"the server refuses: {denied.channel}{': ' if denied.channel else ''}{denied.reason}"
        if not self._job.interactive:
            raise Ended(text)
        self._output.notice(text, True)

    async def _work(self) -> None:
        job, connection = self._job, self._connections[0]
        for channel in job.subscribe or ():
            await connection.subscribe(channel)
        if job.latency is not None:
            await self._measure(job.latency)
            return
        if job.publish and connection.protocol.joins:
            await connection.subscribe(job.publish)
        await connection.ready()
        if job.interactive:
            from filtered_websocket.commands.fws_client.prompt import Prompt

            await Prompt(
                connection, self._output, job.publish or connection.protocol.default, job.as_json, job.as_list
            ).run()
            return
        if job.publish is not None:
            await self._publish(connection, job.publish)
        if job.stays:
            await asyncio.Event().wait()

    async def _publish(self, connection: Connection, channel: str) -> None:
        if self._job.data is not None:
            await connection.publish([(channel, self._item(os.fsencode(self._job.data), "DATA"))])
            return
        lines, number = StandardInput(), 0
        while batch := await lines.batch():
            items: list[tuple[str, Any]] = []
            wrong: Ended | None = None
            for line in batch:
                number += 1
                try:
                    items.append((channel, self._item(line, f"line {number} of standard input")))
                except Ended as error:
                    wrong = error
                    break
            await connection.publish(items)
            if wrong is not None:
                raise wrong

    def _item(self, line: bytes, where: str) -> Any:
        """What a line says. Raises Ended if it cannot be said."""
        if self._job.binary:
            return line
        try:
            text = line.decode()
            value = json.loads(text) if self._job.as_json else text
        except UnicodeDecodeError:
            raise Ended(f"{where} is no text in UTF-8") from None
        except (ValueError, RecursionError) as error:
            raise Ended(f"{where} is no JSON: {error}") from None
        if self._job.as_list and not isinstance(value, list):
            raise Ended(f"{where} is no JSON list: the arguments of an event are wanted")
        return value

    async def _measure(self, interval: float) -> None:
        publisher, channel = self._connections[0], self._job.publish
        if channel is None:
            await latency.report(publisher.ping, self._output.line, self._job.limit, interval)
            return
        for connection in self._connections if publisher.protocol.joins else self._connections[-1:]:
            if channel:
                await connection.subscribe(channel)
        for connection in self._connections:
            await connection.ready()
        await latency.report(
            lambda: self._own.measure(publisher, channel), self._output.line, self._job.limit, interval
        )
