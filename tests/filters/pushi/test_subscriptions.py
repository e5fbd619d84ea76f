"""Subscriptions of users, made by HTTP."""

from urllib.parse import quote

import pytest

from tests.filters.pushi.clients import OTHER, Http, error_of

# Subscriptions.


def test_a_subscription_is_made_found_and_deleted(http):
    record = http.post("/subscriptions", {"user_id": "u", "event": "private-a/b c"})
    assert (record["user_id"], record["event"]) == ("u", "private-a/b c")
    assert http.post("/subscriptions", {"user_id": "u", "event": "private-a/b c"}) == record
    second = http.post("/subscriptions", {"user_id": "v", "event": "room"})
    assert http.get("/subscriptions")["subscriptions"] == [record, second]
    assert http.get("/subscriptions?user_id=v")["subscriptions"] == [second]
    assert http.get("/subscriptions?event=room&user_id=u")["subscriptions"] == []
    path = f"/subscriptions/u/{quote('private-a/b c', safe='')}"
    assert http.ask("DELETE", path) == (200, record)
    assert http.ask("DELETE", path) == (200, {"result": "success"})
    assert error_of(*http.ask("DELETE", f"{path}?force=1")) == 404
    assert http.get("/subscriptions")["subscriptions"] == [second]


def test_the_routes_of_the_readme_do_the_same(http):
    record = http.get("/apps/app1/subscribe?user_id=u&event=room")
    assert http.get("/subscriptions")["subscriptions"] == [record]
    assert http.post("/apps/app1/unsubscribe", {"user_id": "u", "event": "room"}) == record
    assert error_of(*http.ask("GET", "/apps/app2/subscribe?user_id=u&event=room")) == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user_id": "u"},
        {"event": "e"},
        {"user_id": "", "event": "e"},
        {"user_id": [], "event": "e"},
        {"user_id": "u" * 181, "event": "e"},
        [],
        "x",
        b"{",
        b"\xff",
    ],
)
def test_half_a_subscription_is_none(http, body):
    assert error_of(*http.ask("POST", "/subscriptions", body)) == 400


def test_a_form_is_as_good_as_json(http):
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert http.ask("POST", "/subscriptions", b"user_id=u&event=a+b", form)[1]["event"] == "a b"
    # What curl -d sends, whatever it calls it.
    assert http.ask("POST", "/subscriptions", {"user_id": "u", "event": "c"}, form)[1]["event"] == "c"


def test_subscriptions_of_two_apps_never_meet(server, http):
    http.post("/subscriptions", {"user_id": "u", "event": "room"})
    other = Http(server, OTHER)
    assert other.get("/subscriptions")["subscriptions"] == []
    other.trigger("room", "x")
    assert other.get("/events")["events"][0]["instance"] == "app2"
    assert http.get("/events")["events"] == []
