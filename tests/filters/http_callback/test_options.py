"""The options of http_callback: what is none, what does not go together, and what takes no effect."""

import pytest

from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.http_callback import options as module
from filtered_websocket.filters.http_callback.options import check, no_effect
from tests.filters.http_callback.asking import options

URL = "http://127.0.0.1:8000/ws"


@pytest.mark.parametrize("url", [URL, "https://backend.example", "http://[::1]:8000/{event}?a=b", ""])
def test_urls(url):
    assert module.URL.parse(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "backend", "ftp://backend/", "http://", "http:///path", "http://user:secret@backend/", "http://a:99999/",
        "http://a/\r\nX: y", "http://a/ b", "http://ä/", "http://a/#b", "http://{event}.example/", "http://a:0/", 5,
    ],
)  # fmt: skip
def test_what_is_no_url(url):
    with pytest.raises(ValueError, match="wanted"):
        module.URL.parse(url)


def test_events_are_known_and_named_once():
    assert module.ON.parse("message handshake") == ["message", "handshake"]
    for odd in ("", "connect", "message message", 5):
        with pytest.raises(ValueError, match="wanted"):
            module.ON.parse(odd)
    assert module.RETRY.parse([]) == []


def test_headers_that_make_a_request_what_it_is_are_not_the_client_s():
    assert module.HEADERS.parse("Cookie X-Real-IP") == ["cookie", "x-real-ip"]
    for odd in ("Host", "content-length", "Transfer-Encoding", "x_user", "a:b", "idempotency-key", "ä"):
        with pytest.raises(ValueError, match="header"):
            module.HEADERS.parse(odd)


def test_static_headers():
    assert module.STATIC_HEADERS.parse("Authorization: Basic abc=") == ["Authorization: Basic abc="]
    assert module.pairs(["A: b: c "]) == [("A", "b: c")]
    for odd in ("Authorization", "A:", "A: b\r\nC: d", "A: ä", "Content-Length: 5", ": x", [5], "A b: c"):
        with pytest.raises(ValueError, match="header"):
            module.STATIC_HEADERS.parse(odd)


def test_what_goes_together():
    check(options(url=URL))
    check(options(url=URL, form="centrifugo", on=["handshake"]))
    check(options(url=URL + "/{event}", form="centrifugo", on=["handshake", "message"], channel="chat"))
    for wrong, why in (
        ({}, "URL is wanted"),
        ({"url": URL, "form": "centrifugo"}, "no disconnect"),
        ({"url": URL, "form": "centrifugo", "on": ["handshake", "message"], "channel": "chat"}, "do not name"),
        ({"url": URL, "form": "centrifugo", "on": ["message"]}, "channel"),
        ({"url": URL, "headers": ["authorization"], "static_headers": ["Authorization: x"]}, "take the place"),
        ({"url": URL, "timeout": 30.0}, "filter_timeout"),
    ):
        with pytest.raises(ConfigError, match=why):
            check(options(**wrong))


def test_what_takes_no_effect_is_said():
    def said(**values):
        return [name.removeprefix("http_callback_") for name, _ in no_effect(options(url=URL, **values))]

    assert said() == ["channel"]
    assert said(form="centrifugo", on=["handshake"]) == ["channel"]
    assert said(failures=0, on=["disconnect"]) == ["channel", "pause", "when_away"]
