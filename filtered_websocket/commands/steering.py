"""The HTTP API of a server by which its connections are seen and steered, as commands ask for it."""

import argparse
import json
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from filtered_websocket.commands import http
from filtered_websocket.commands.exits import Ended

SECRET = "FWS_ADMIN_SECRET"  # noqa: S105 - a name, that of the server's option
TIMEOUT = 15
"""Seconds for one request: longer than the server lets its processes take."""
TRACE_TIMEOUT = 60
"""Seconds that a trace may be silent: a server that lives says so more often."""
MOST = 64 << 20
"""Bytes that are read of an answer."""


def address(text: str) -> str:
    """An HTTP address of the command line, as it was given.

    :raises argparse.ArgumentTypeError: it is none
    """
    try:
        parts = urlsplit(text)
        if parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port):
            return text
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is no address such as http://localhost:9000")


class Steered:
    """
    :param url: of the server, any path in it
    :param secret: its admin_secret, "" for none
    """

    def __init__(self, url: str, secret: str) -> None:
        parts = urlsplit(url)
        self.url = parts._replace(path="", query="", fragment="").geturl()
        self._headers = {"Authorization": f"Bearer {secret}"} if secret else {}

    def ask(self, path: str, parameters: Mapping[str, Any], method: str = "GET") -> dict[str, Any]:
        """An answer.

        :param path: its parts, of which each is text
        :raises Ended: it cannot be reached, refuses, or is no such server
        """
        try:
            body = http.ask(self._request(path, parameters, method), TIMEOUT, MOST)
            answer = json.loads(body)
        except http.Refused as refused:
            raise self._refused(refused) from None
        except http.Unreachable as away:
            raise Ended(f"cannot reach {self.url}: {away}") from None
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise Ended(f"{self.url} answers, but not as fws_server does: is this its address, or its admin port?")
        return answer

    def trace(self, parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The events of a trace, as they come.

        :raises Ended: it cannot be reached, refuses, or ends before it is over
        """
        over = False
        try:
            for line in http.lines(self._request("/trace", parameters, "GET"), TRACE_TIMEOUT):
                if line.startswith(b"data: "):
                    event = json.loads(line[6:])
                    over = event.get("what") == "over"
                    yield event
        except http.Refused as refused:
            raise self._refused(refused) from None
        except (http.Unreachable, ValueError) as away:
            raise Ended(f"the trace of {self.url} has ended: {away}") from None
        if not over:
            raise Ended(f"the trace of {self.url} has ended: the server has closed it")

    def _request(self, path: str, parameters: Mapping[str, Any], method: str) -> urllib.request.Request:
        query = urlencode({name: value for name, value in parameters.items() if value is not None}, quote_via=quote)
        url = f"{self.url}{path}{'?' if query else ''}{query}"
        return urllib.request.Request(url, headers=self._headers, method=method)  # noqa: S310 - the command has looked at it

    def _refused(self, refused: http.Refused) -> Ended:
        said = str(refused).partition(" ")[2]
        try:
            said = json.loads(said)["error"]
        except (ValueError, TypeError, KeyError):
            said = str(refused)
        hint = f" ({SECRET}, or --secret)" if refused.status == 401 else ""
        return Ended(f"{self.url} refuses: {said}{hint}")


def in_path(text: str) -> str:
    """A text as a part of a path."""
    return quote(text, safe="")
