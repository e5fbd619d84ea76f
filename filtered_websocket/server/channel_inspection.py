"""What this process answers of its channels."""

from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest
from typing import Any

from twisted.internet.task import deferLater

from filtered_websocket.chain.subscriber import Subscriber
from filtered_websocket.pipeline.channel_meter import ChannelMeter, Rate
from filtered_websocket.pipeline.pipeline import Pipeline
from filtered_websocket.server.inspection import Inspected, Values, is_called, shown_name, shown_user
from filtered_websocket.server.slices import AT_ONCE, Slices

MEASURED_SECONDS = 1.0
"""How long publications are counted at least before their rate is told."""
SUBSCRIBERS_SHOWN = 100


class ChannelInspection:
    """What one process answers; each method of `answers` takes what was asked for."""

    def __init__(self, server: Inspected) -> None:
        self._server = server
        self._meters: dict[Pipeline, ChannelMeter] = {}
        self.answers = {"channels": self.channels, "subscribers": self.subscribers, "channel": self.channel}

    def stop(self) -> None:
        """Count no more."""
        for meter in self._meters.values():
            meter.stop()

    async def channels(self, values: Values) -> dict[str, Any]:
        """The channels with the most bytes per second, and then the most subscribers."""
        name, limit, begin = values.get("pipeline"), values["limit"], values.get("prefix") or ""
        chosen = [each for each in self._server.pipelines if name is None or is_called(each, name)]
        await self._measured(chosen)
        slices, rows, total = Slices(self._server.reactor), list[dict[str, Any]](), 0
        for pipeline in chosen:
            rates = self._meters[pipeline].rates()
            for channel in list(pipeline.hub.channels.values()):
                await slices.rest()
                if channel.name.startswith(begin):
                    total += 1
                    rate = rates.get(channel.name)
                    rows.append(_channel(pipeline, channel.name, len(channel.subscribers), rate))
                    if len(rows) >= 4 * limit + AT_ONCE:
                        rows = nlargest(limit, rows, key=noise)
        return {"total": total, "rows": nlargest(limit, rows, key=noise)}

    async def subscribers(self, values: Values) -> list[int]:
        """How many subscribers channels have, each named by its pipeline and itself."""
        pipelines = {shown_name(each): each for each in self._server.pipelines}
        return [
            len(pipelines[name].hub.subscribers(channel)) if name in pipelines else 0
            for name, channel in values["names"]
        ]

    async def channel(self, values: Values) -> list[dict[str, Any]]:
        """One channel, in each pipeline that has it."""
        name, wanted = values["name"], values.get("pipeline")
        chosen = [
            each
            for each in self._server.pipelines
            if name in each.hub.channels and (wanted is None or is_called(each, wanted))
        ]
        await self._measured(chosen)
        return [self._channel(each, name) for each in chosen]

    def _channel(self, pipeline: Pipeline, name: str) -> dict[str, Any]:
        subscribers, position = pipeline.hub.subscribers(name), pipeline.hub.position(name)
        row = _channel(pipeline, name, len(subscribers), self._meters[pipeline].rates().get(name))
        some: Iterable[Subscriber] = list(subscribers)[:SUBSCRIBERS_SHOWN]
        return row | {
            "slow_client": pipeline.names.policy(name),
            "position": None if position is None else {"epoch": position.epoch, "offset": position.offset},
            "first_subscribers": [{"id": str(each.id), "user": shown_user(each)} for each in some],
        }

    async def _measured(self, pipelines: Sequence[Pipeline]) -> None:
        """Wait until rates can be told."""
        wait = 0.0
        for pipeline in pipelines:
            meter = self._meters.get(pipeline)
            if meter is None:
                meter = self._meters[pipeline] = ChannelMeter(pipeline.hub, self._server.reactor)
            meter.look()
            wait = max(wait, MEASURED_SECONDS - meter.seconds)
        if wait > 0:
            await deferLater(self._server.reactor, wait)


def _channel(pipeline: Pipeline, name: str, subscribers: int, rate: Rate | None) -> dict[str, Any]:
    return {
        "name": name,
        "pipeline": shown_name(pipeline),
        "subscribers": subscribers,
        "publications_per_second": round(rate.publications, 3) if rate is not None else 0.0,
        "bytes_per_second": round(rate.bytes, 3) if rate is not None else 0.0,
    }


def noise(row: Mapping[str, Any]) -> tuple[float, float, int, str]:
    """What channels are ordered by, the largest first."""
    return row["bytes_per_second"], row["publications_per_second"], row["subscribers"], row["name"]
