"""Web hooks of an app."""

from urllib.parse import quote

import pytest

from filtered_websocket.filters.pushi import rest_data
from filtered_websocket.filters.shared.signatures import sign
from tests.filters.pushi.clients import KEY, SECRET, error_of

# Web hooks.


def test_hooks_are_registered_found_and_removed(http):
    url = "https://a.example/hook?x=1"
    web = http.post("/webs", {"url": url, "event": "room"})
    assert (web["url"], web["event"]) == (url, "room")
    http.post("/webs", {"url": url, "event": "other"})
    http.post("/webs", {"url": "https://b.example/", "event": "room"})
    assert len(http.get("/webs")["subscriptions"]) == 3
    assert http.get(f"/webs?url={quote(url, safe='')}&event=room")["subscriptions"] == [web]
    assert http.ask("DELETE", f"/webs/{quote(url, safe='')}/room") == (200, web)
    assert http.ask("DELETE", "/webs/https://b.example//room")[1]["url"] == "https://b.example/"
    assert len(http.ask("DELETE", f"/webs/{quote(url, safe='')}")[1]["subscriptions"]) == 1
    assert http.get("/webs")["subscriptions"] == []
    assert http.ask("DELETE", "/webs/https://nobody/room")[0] == 200
    assert error_of(*http.ask("DELETE", "/webs/https://nobody/room?force=1")) == 404


def test_registering_anew_may_end_what_the_url_had(http):
    for number in range(3):
        path = "/webs?unsubscribe=True" if number == 2 else "/webs"
        http.post(path, {"url": "https://a.example/", "event": f"room {number}"})
    assert [web["event"] for web in http.get("/webs")["subscriptions"]] == ["room 2"]


def test_an_app_has_so_many_hooks_and_those_it_has_may_be_registered_again(http, monkeypatch):
    monkeypatch.setattr(rest_data, "MAX_WEBS", 102)
    for number in range(rest_data.MAX_URLS):
        assert http.ask("POST", "/webs", {"url": f"https://a.example/{number}", "event": "room"})[0] == 200
    assert error_of(*http.ask("POST", "/webs", {"url": "https://a.example/more", "event": "room"})) == 400
    for event in ("second", "third", "second"):
        assert http.ask("POST", "/webs", {"url": "https://a.example/0", "event": event})[0] == 200
    assert error_of(*http.ask("POST", "/webs", {"url": "https://a.example/0", "event": "fourth"})) == 400
    assert len(http.get("/webs")["subscriptions"]) == 102


def test_hooks_of_signed_channels_are_signed(http):
    url, channel = "https://a.example/", "private-a"
    body = {"url": url, "event": channel}
    auth = f"{KEY}:{sign(SECRET, f'{url}:{channel}')}"
    assert error_of(*http.ask("POST", "/webs", body)) == 403
    assert error_of(*http.ask("POST", "/webs?auth=x", body)) == 403
    assert http.ask("POST", f"/webs?auth={auth}", body)[0] == 200
    assert error_of(*http.ask("POST", f"/webs?auth={auth}", body | {"event": "private-b"})) == 403


@pytest.mark.parametrize(
    "body", [{"url": "ftp://a/", "event": "x"}, {"url": 1, "event": "x"}, {"url": "http://a/"}, {"event": "x"}]
)
def test_what_is_no_hook_is_refused(http, body):
    assert error_of(*http.ask("POST", "/webs", body)) == 400
