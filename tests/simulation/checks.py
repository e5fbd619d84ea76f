"""What must hold in a world after each step, and what must hold at rest."""

import json
from typing import Any

from twisted.python.failure import Failure

from filtered_websocket.filters.centrifugo.envelope import unpack
from tests.simulation.channels import CHANNELS, HISTORY, TTL, keeps, shows
from tests.simulation.node import CHANNEL_LIMIT, MAX_CONNECTIONS, Node
from tests.simulation.world import World

ASKING_SECONDS = 10.0
"""That storage may take to say all that it is asked at rest."""


class Checks(World):
    """A world that is looked at."""

    def check(self) -> None:
        """What holds after each step."""
        self.oracle.judge()
        for node in self.nodes:
            self.oracle.within(f"max_connections of {node.name}", len(node.server.server.connections), MAX_CONNECTIONS)
        for client in self.clients:
            self.oracle.within(f"channels of {client.name}", len(client.witness.stays), CHANNEL_LIMIT)

    def rest(self) -> None:
        asked = self.awake[0]
        still_kept = self.now - TTL + ASKING_SECONDS
        young = next((tick for when, tick in self.ticks if when > still_kept), self.oracle.tick())
        listed = {}
        for name in CHANNELS:
            if shows(name):
                listed[name] = set(self._result(asked, asked.storage.members, name))
            if keeps(name):
                kept = self._result(asked, asked.storage.latest, name, 0, HISTORY + 1)
                self.oracle.history(name, [(number_of(each), each.position) for each in reversed(kept)], HISTORY, young)
        self.oracle.rest(listed)
        for node in self.nodes:
            here = {client.id for client in self.clients if client.node is node and client.ready}
            self._check_left(node, here)

    def _check_left(self, node: Node, here: set[str]) -> None:
        pipeline = node.server.pipeline()
        followed = {pipeline.prefix + name for name in pipeline.hub.channels}
        self.oracle.nothing_left(f"clients that have gone from {node.name}", {
            "sessions": set(pipeline.centrifugo.clients) - here,
            "users": set(pipeline.users) - here,
            "subscribers": {
                (name, each.id) for name, channel in pipeline.hub.channels.items()
                for each in channel.subscribers.values() if each.id not in here
            },
            "storage's subscriptions": set(node.storage.follows) - followed,
            "presence that is held": node.storage.holds - here,
            "connections": [each for each in node.server.server.connections if each.id not in here],
        })  # fmt: skip

    def _result(self, node: Node, verb: Any, *arguments: Any) -> Any:
        outcome: list[Any] = []
        node.clock.callFromThread(lambda: verb(*arguments).addBoth(outcome.append))
        self.advance(1)
        if isinstance(outcome[0], Failure):
            self.oracle.fault(f"{node.name} cannot ask its storage: {outcome[0].getErrorMessage()}")
            return ()
        return outcome[0]


def number_of(publication: Any) -> int:
    """The number in what the pack has published."""
    return int(json.loads(unpack(publication.messages[0]).data)[0])
