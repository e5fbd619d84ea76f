"""A program that publishes by the API of Centrifugo, to any node."""

import http.client
import json
import threading
from random import Random

from filtered_websocket.messages.publication import Position
from tests.chaos.served import KEPT, OPEN, ROOM, SECRET
from tests.chaos.truth import Truth

PATIENCE = 4.0
"""Seconds until it does not know what became of a publication."""


class Publisher(threading.Thread):
    """
    :param ports: name of a node -> where clients reach it
    :ivar confirmed: how many were
    """

    def __init__(self, truth: Truth, ports: dict[str, int], random: Random) -> None:
        super().__init__(daemon=True)
        self.ends = threading.Event()
        self.confirmed = 0
        self._truth, self._ports, self._random = truth, ports, random

    def run(self) -> None:
        while not self.ends.wait(self._random.uniform(0, 0.1)):
            self.publish(self._random.choice((*KEPT, ROOM, OPEN)))

    def publish(self, channel: str) -> None:
        publication = self._truth.begin(channel)
        port = self._ports[self._random.choice(sorted(self._ports))]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            body = json.dumps({"channel": channel, "data": publication.number})
            connection.request("POST", "/api/publish", body, {"X-API-Key": SECRET})
            answer = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError):
            return  # nobody knows
        finally:
            connection.close()
        if "result" in answer:
            at = answer["result"]
            self._truth.confirmed(publication, Position(at["epoch"], at["offset"]) if at.get("epoch") else None)
            self.confirmed += 1
