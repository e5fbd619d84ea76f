"""One run of fws_client: what was asked for, done over a link."""

import asyncio
import json
import os
from collections.abc import Callable
from typing import Any

from filtered_websocket.commands.exits import Ended
from filtered_websocket.commands.fws_client import latency
from filtered_websocket.commands.fws_client.arguments import Plan
from filtered_websocket.commands.fws_client.connection import Link
from filtered_websocket.commands.fws_client.output import Output
from filtered_websocket.commands.fws_client.protocols.base import Denied, Heard, Speech
from filtered_websocket.commands.fws_client.standard_input import StandardInput


class Session:
    """
    :param make_speech: a new client of the protocol
    :param options: of `Link`
    """

    def __init__(self, plan: Plan, make_speech: Callable[[], Speech], output: Output, options: dict[str, Any]) -> None:
        self._plan, self._output = plan, output
        self._make_speech, self._options = make_speech, options
        self._left = plan.limit
        self._counted = asyncio.Event()
        self._own = latency.OwnMessages()
        self._links = [self._link()]
        if plan.latency is not None and plan.publish is not None and not self._links[0].speech.returns:
            self._links.append(self._link())
        self._hidden = {plan.publish} - set(plan.subscribe or ()) if plan.publish else set()

    def _link(self) -> Link:
        heard = self._heard if self._plan.latency is None else self._own.heard
        return Link(self._make_speech(), heard, self._output.notice, self._denied, **self._options)

    async def run(self) -> None:
        """
        :raises Ended: it could not be done
        """
        tasks = [asyncio.create_task(self._work()), asyncio.create_task(self._counted.wait())]
        running = [asyncio.create_task(link.run()) for link in self._links]
        try:
            done, _ = await asyncio.wait([*tasks, *running], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            for link in self._links:
                await link.close()
            await asyncio.gather(*running)
        finally:
            for task in (*tasks, *running):
                task.cancel()
            await asyncio.gather(*tasks, *running, return_exceptions=True)

    def _heard(self, heard: Heard) -> None:
        if self._plan.subscribe is None or heard.channel in self._hidden or self._left == 0:
            return
        self._output.heard(heard)
        if self._left is not None:
            self._left -= 1
            if not self._left:
                self._counted.set()

    def _denied(self, denied: Denied) -> None:
        text = f"the server refuses: {denied.channel}{': ' if denied.channel else ''}{denied.reason}"
        if not self._plan.interactive:
            raise Ended(text)
        self._output.notice(text, True)

    async def _work(self) -> None:
        plan, link = self._plan, self._links[0]
        for channel in plan.subscribe or ():
            await link.subscribe(channel)
        if plan.latency is not None:
            await self._measure(plan.latency)
            return
        if plan.publish and link.speech.joins:
            await link.subscribe(plan.publish)
        await link.ready()
        if plan.interactive:
            from filtered_websocket.commands.fws_client.prompt import Prompt

            await Prompt(link, self._output, plan.publish or "", plan.as_json).converse()
            return
        if plan.publish is not None:
            await self._publish(link, plan.publish)
        if plan.stays:
            await asyncio.Event().wait()

    async def _publish(self, link: Link, channel: str) -> None:
        if self._plan.data is not None:
            await link.publish([(channel, self._item(os.fsencode(self._plan.data), "DATA"))])
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
            await link.publish(items)
            if wrong is not None:
                raise wrong

    def _item(self, line: bytes, where: str) -> Any:
        """What a line says. Raises Ended if it cannot be said."""
        if self._plan.binary:
            return line
        try:
            text = line.decode()
            return json.loads(text) if self._plan.as_json else text
        except UnicodeDecodeError:
            raise Ended(f"{where} is no text in UTF-8") from None
        except (ValueError, RecursionError) as error:
            raise Ended(f"{where} is no JSON: {error}") from None

    async def _measure(self, interval: float) -> None:
        publisher, channel = self._links[0], self._plan.publish
        if channel is None:
            await latency.report(publisher.ping, self._output.line, self._plan.limit, interval)
            return
        for link in self._links if publisher.speech.joins else self._links[-1:]:
            if channel:
                await link.subscribe(channel)
        for link in self._links:
            await link.ready()
        await latency.report(
            lambda: self._own.measure(publisher, channel), self._output.line, self._plan.limit, interval
        )
