"""The options of http_callback."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from filtered_websocket.config import Option, choice, integer, seconds, size, text, words
from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.http_callback.events import EVENTS, HANDSHAKE, MESSAGE
from filtered_websocket.filters.http_callback.forms import FORMS
from filtered_websocket.filters.shared.webhooks.urls import check_url

OWN_HEADERS = frozenset((
    "accept", "connection", "content-encoding", "content-length", "content-type", "expect", "host", "idempotency-key",
    "keep-alive", "proxy-connection", "te", "traceparent", "trailer", "transfer-encoding", "upgrade", "user-agent",
    "x-http-callback-signature",
))  # fmt: skip
"""What a request has of its own, or what would change what it is."""
PLACE = "{event}"


def _events(least: int) -> Callable[[Any], list[str]]:
    def parse(value: Any) -> list[str]:
        names = words(value)
        if len(names) < least or len(set(names)) < len(names) or set(names) - set(EVENTS):
            raise ValueError(f"some of {', '.join(EVENTS)} are wanted, each once")
        return names

    return parse


def _url(value: Any) -> str:
    given = text(value)
    if not given:
        return ""
    try:
        check_url(given.replace(PLACE, "event", 1))
    except ValueError:
        raise ValueError("a URL is wanted: http or https, a host, no credentials, in printable ASCII") from None
    if "#" in given or PLACE in given.split("/", 3)[2]:
        raise ValueError("a URL is wanted without a fragment, and with {event} in its path or query alone")
    return given


def _names(value: Any) -> list[str]:
    names = [each.lower() for each in words(value)]
    for name in names:
        if re.fullmatch(r"[a-z0-9-]{1,100}", name) is None:
            raise ValueError("names of headers are wanted, of letters, digits and -")
        if name in OWN_HEADERS:
            raise ValueError(f"the header {name} is the request's own, and cannot be the client's")
    return names


def _headers(value: Any) -> list[str]:
    # A flag has a header in each word, JSON a list; the environment has one.
    lines = [value] if isinstance(value, str) else value
    if not isinstance(lines, list) or not all(isinstance(each, str) for each in lines):
        raise ValueError('headers are wanted, such as "Authorization: Basic ..."')
    for line in lines:
        name, colon, content = line.partition(":")
        if not colon or re.fullmatch(r"[A-Za-z0-9-]{1,100}", name) is None or not content.strip():
            raise ValueError('headers are wanted, such as "Authorization: Basic ..."')
        if not (content.isascii() and content.isprintable()):
            raise ValueError("a header has printable ASCII")
        if name.lower() in OWN_HEADERS - {"user-agent"}:
            raise ValueError("a header is the request's own, and cannot be given")
    return [*lines]


URL = Option(
    "http_callback_url", _url, "", "the backend's URL; {event} in it stands for the name of the event", scope="use"
)  # fmt: skip
ON = Option(
    "http_callback_on", _events(1), [*EVENTS], f"what it is asked and told: some of {' '.join(EVENTS)}", many=True,
    scope="use",
)  # fmt: skip
FORM = Option(
    "http_callback_form", choice(*FORMS), "native",
    "form of questions and answers: native, or that of Centrifugo's proxies connect and publish", scope="use",
)  # fmt: skip
CHANNEL = Option(
    "http_callback_channel", text, "", "channel that messages are published to, as Centrifugo's form has it",
    scope="use",
)  # fmt: skip
HEADERS = Option(
    "http_callback_headers", _names, [], "names of the client's headers that the backend gets: cookie authorization",
    many=True, scope="use",
)  # fmt: skip
STATIC_HEADERS = Option(
    "http_callback_static_headers", _headers, [], 'further headers that it gets: "Authorization: Basic ..."', many=True,
    scope="use", secret=True,
)  # fmt: skip
SECRET = Option(
    "http_callback_secret", text, "",
    "signs each request: X-Http-Callback-Signature is the HMAC-SHA256 of its body, in hexadecimal", scope="use",
    secret=True,
)  # fmt: skip
TIMEOUT = Option(
    "http_callback_timeout", seconds(0.01, 3600), 5.0, "longest time for an answer, with all attempts", unit="s",
    scope="use",
)  # fmt: skip
RETRY = Option(
    "http_callback_retry", _events(0), ["handshake", "disconnect"],
    "what the backend may be asked twice, with the same id, where an answer is lost", many=True, scope="use",
)  # fmt: skip
CONNECTIONS = Option(
    "http_callback_connections", integer(1, 10_000), 32, "most requests at a time, and connections", scope="use"
)
WAITING = Option(
    "http_callback_waiting", integer(0, 1_000_000), 1000,
    "most questions that wait for one of these, and most disconnects that wait to be told", scope="use",
)  # fmt: skip
MAX_ANSWER = Option(
    "http_callback_max_answer", size(100, 1 << 30), 1024 * 1024, "longest answer, head and body", unit="bytes",
    scope="use",
)  # fmt: skip
FAILURES = Option(
    "http_callback_failures", integer(0, 10_000), 5,
    "so many failures in a row, and the backend is not asked for a while; 0: it is always asked", scope="use",
)  # fmt: skip
PAUSE = Option(
    "http_callback_pause", seconds(0.01, 3600), 1.0, "the first such while; doubled while it fails, up to 30 s",
    unit="s", scope="use",
)  # fmt: skip
AWAY = Option(
    "http_callback_when_away", choice("refuse", "pass"), "refuse",
    "without a good answer: refuse clients (503) and messages, or let them pass as if nobody had asked", scope="use",
)  # fmt: skip
OPTIONS = (
    URL, ON, FORM, CHANNEL, HEADERS, STATIC_HEADERS, SECRET, TIMEOUT, RETRY, CONNECTIONS, WAITING, MAX_ANSWER, FAILURES,
    PAUSE, AWAY,
)  # fmt: skip


def pairs(lines: Sequence[str]) -> list[tuple[str, str]]:
    """Name and value of headers that were given."""
    return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]


def check(options: Any) -> None:
    """
    :raises ConfigError: it cannot be asked
    """
    url, on, form = options.http_callback_url, options.http_callback_on, FORMS[options.http_callback_form]
    if not url:
        raise ConfigError(
            "http_callback_url: the backend's URL is wanted: --http_callback_url http://127.0.0.1:8000/ws"
        )
    unknown = [event for event in on if event not in form.WORDS]
    if unknown:
        raise ConfigError(f"http_callback_on: Centrifugo's proxies have no {unknown[0]}")
    if form.WORDS[HANDSHAKE] != HANDSHAKE:
        if len(on) > 1 and PLACE not in url:
            raise ConfigError(
                "http_callback_url: Centrifugo's questions do not name their event: {event} is wanted in the URL, or a "
                "use for each event"
            )
        if MESSAGE in on and not options.http_callback_channel:
            raise ConfigError("http_callback_channel: Centrifugo's form wants the channel of a message")
    both = {name.lower() for name, _ in pairs(options.http_callback_static_headers)} & {*options.http_callback_headers}
    if both:
        raise ConfigError(f"http_callback_headers: a client could take the place of the static header {min(both)}")
    if options.http_callback_timeout >= options.filter_timeout:
        raise ConfigError("http_callback_timeout: less than filter_timeout is wanted, which ends all filters")


def no_effect(options: Any) -> Iterator[tuple[str, str]]:
    """What takes no effect beside other options: its name, and why."""
    if options.http_callback_form == "native":
        yield "http_callback_channel", "without http_callback_form centrifugo"
    elif MESSAGE not in options.http_callback_on:
        yield "http_callback_channel", "without message in http_callback_on"
    if not options.http_callback_failures:
        yield "http_callback_pause", "with http_callback_failures 0"
    if not set(options.http_callback_on) & {HANDSHAKE, MESSAGE}:
        yield "http_callback_when_away", "with disconnect alone in http_callback_on"
