"""What a server's /metrics says, asked for once."""

import time
import urllib.request
from typing import NamedTuple
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from filtered_websocket.commands import http
from filtered_websocket.commands.exits import Ended

TIMEOUT = 5
"""Seconds for one request."""
MOST = 16 << 20
"""Bytes that are read of an answer."""

Labels = frozenset[tuple[str, str]]


class Scrape(NamedTuple):
    """
    :ivar time: monotonic seconds
    :ivar samples: name of a sample -> its labels -> value
    """

    time: float
    samples: dict[str, dict[Labels, float]]

    def value(self, name: str) -> float | None:
        """The value of a sample without labels."""
        return self.samples.get(name, {}).get(frozenset())

    def by(self, name: str, label: str) -> dict[str, float]:
        """The values of a metric by one of its labels."""
        return {dict(labels).get(label, ""): value for labels, value in self.samples.get(name, {}).items()}


class Server:
    """
    :param url: of the server, or of its /metrics
    :param secret: its admin_secret, "" for none
    """

    def __init__(self, url: str, secret: str) -> None:
        parts = urlsplit(url)
        self.url = parts._replace(path=parts.path if parts.path.strip("/") else "/metrics").geturl()
        self._headers = {"Authorization": f"Bearer {secret}"} if secret else {}

    def ask(self) -> Scrape:
        """
        :raises Ended: it cannot be reached, refuses, or is no such server
        """
        request = urllib.request.Request(self.url, headers=self._headers)  # noqa: S310 - the command has looked at it
        try:
            text = http.ask(request, TIMEOUT, MOST).decode()
        except http.Refused as refused:
            raise Ended(f"{self.url} refuses: {refused}") from None
        except http.Unreachable as away:
            raise Ended(f"cannot reach {self.url}: {away}") from None
        except UnicodeDecodeError:
            text = ""
        return read(text, time.monotonic(), self.url)


def read(text: str, moment: float, where: str) -> Scrape:
    """
    :raises Ended: it is not what this kind of server says
    """
    samples: dict[str, dict[Labels, float]] = {}
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                samples.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    except Exception:
        # Of a text that is no metrics the parser says so in many ways, not all of them ValueError.
        samples = {}
    if "fws_ready" not in samples:
        raise Ended(f"{where} answers, but not with the metrics of fws_server: is this its address, or its admin port?")
    return Scrape(moment, samples)
