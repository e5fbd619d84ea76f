import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filtered_websocket.filters.pushi import apps, rest_data
from filtered_websocket.filters.shared.signatures import sign
from filtered_websocket.storage_objects.memory import StorageObject
from tests.filters.pushi.clients import KEY, OTHER, SECRET, Client, Http, said, serving


@pytest.fixture
def server():
    with serving() as server:
        yield server


@pytest.fixture
def http(server):
    return Http(server)


def error_of(status, body):
    assert body.keys() == {"result", "name", "message", "code"}
    assert (body["result"], body["code"]) == ("error", status)
    return status


# Logging in.


def test_a_login_gives_a_token_and_a_cookie(server):
    response = Http(server, None).response("GET", f"/login?app_id=app1&app_key={KEY}&app_secret={SECRET}")
    token = json.loads(response.body)["token"]
    headers = dict(response.headers)
    assert len(token) == 64
    assert headers["Set-Cookie"].startswith(f"sid={token}; ")
    assert headers["Access-Control-Allow-Origin"] == "*"
    by_cookie = Http(server, None).ask("GET", "/apps", headers={"cookie": f"a=b; sid={token}"})
    assert by_cookie[1]["apps"][0]["ident"] == "app1"


@pytest.mark.parametrize("given", [{"app_id": "app2"}, {"app_key": "x"}, {"app_secret": "x"}, {"app_id": "nobody"}])
def test_wrong_credentials_are_refused_alike(server, given):
    right = {"app_id": "app1", "app_key": KEY, "app_secret": SECRET}
    assert error_of(*Http(server, None).ask("POST", "/login", right | given)) == 404


@pytest.mark.parametrize("given", [{"app_secret": None}, {"app_key": 1}, {"app_id": ""}, {"app_secret": [SECRET]}])
def test_missing_credentials_are_an_error_of_who_asks(server, given):
    right = {"app_id": "app1", "app_key": KEY, "app_secret": SECRET}
    assert error_of(*Http(server, None).ask("POST", "/login", right | given)) == 400


@pytest.mark.parametrize("path", ["/apps", "/subscriptions", "/events", "/sockets", "/webs", "/logout", "/apps/app1"])
@pytest.mark.parametrize("sid", ["", "0" * 64, "x", "x" * 500, "%ED%A0%80"])
def test_who_has_not_logged_in_gets_403(server, path, sid):
    assert error_of(*Http(server, None).ask("GET", f"{path}?sid={sid}")) == 403


def test_who_has_logged_out_has(http):
    assert http.get("/logout") == {"result": "success"}
    assert http.ask("GET", "/apps")[0] == 403


def test_a_session_ends_by_itself(monkeypatch):
    with serving(pushi_session_seconds=100) as server:
        http, now = Http(server), 0.0
        http.get("/apps")
        from filtered_websocket.storage_objects import history

        now = history.time.monotonic()
        monkeypatch.setattr(history.time, "monotonic", lambda: now + 101)
        assert http.ask("GET", "/apps")[0] == 403


def test_the_storage_holds_no_token(server):
    http = Http(server)
    assert http.sid not in repr(vars(server.storage_object)) + repr(vars(server.storage_object._histories))


# Apps.


def test_apps_are_made_by_nobody_unless_it_is_said_by_whom(server):
    assert error_of(*Http(server, None).ask("POST", "/apps", {"name": "x"})) == 403


def test_apps_are_made_by_who_has_the_secret_of_the_administrator():
    with serving(pushi_admin_secret="admin") as server:
        http = Http(server, None)
        basic = base64.b64encode(b"anybody:admin").decode()
        for number, header in enumerate(("Bearer admin", f"Basic {basic}")):
            assert http.ask("POST", "/apps", {"name": f"x{number}"}, {"authorization": header})[0] == 200
        for header in ("", "admin", "Bearer wrong", "Basic !", "Basic YWRtaW4=", "Basic /w=="):
            assert http.ask("POST", "/apps", {"name": "y"}, {"authorization": header})[0] == 403


def test_an_app_that_was_made_works_and_has_a_name_of_its_own():
    with serving(pushi_open_apps=True) as server:
        http = Http(server, None)
        app = http.post("/apps", {"name": "made"})
        for wrong in ({"name": "made"}, {"name": "first"}, {"name": ""}, {}, {"name": 1}, {"name": "x" * 181}):
            assert error_of(*http.ask("POST", "/apps", wrong)) == 400
        mine = Http(server, {"id": app["ident"], "key": app["key"], "secret": app["secret"]})
        assert mine.get("/apps") == {"apps": [app]}
        assert mine.get(f"/apps/{app['ident']}") == app
        assert error_of(*mine.ask("GET", "/apps/app1")) == 404
        assert error_of(*mine.ask("PUT", "/apps/app1", {"name": "stolen"})) == 404
        renamed = mine.ask("PUT", f"/apps/{app['ident']}", {"name": "renamed", "secret": "x"})[1]
        assert renamed == app | {"name": "renamed"}
        assert http.ask("POST", "/apps", {"name": "made"})[0] == 200
        assert mine.ask("PUT", f"/apps/{app['ident']}", {"name": "first"})[0] == 400
        client = Client(server, app["key"], app["secret"])
        client.subscribe("room")
        mine.trigger("room", "x")
        assert len(client.packets()) == 1


def test_apps_lie_in_the_storage_object_and_another_server_finds_them():
    storage = StorageObject()
    with serving(pushi_open_apps=True, storage_object=storage) as one, serving(storage_object=storage) as other:
        app = Http(one, None).post("/apps", {"name": "made"})
        other.advance(1)
        assert Http(other, {"id": app["ident"], "key": app["key"], "secret": app["secret"]}).get("/apps")


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


# Events.


def test_an_event_reaches_everybody_in_the_channel_with_what_was_added_to_it(server, http):
    clients = [Client(server) for _ in range(2)]
    for client in clients:
        client.subscribe("global")
    assert http.post("/events", {"data": {"x": 1}, "persist": False, "url": "https://a"}) == {"result": "success"}
    for client in clients:
        assert client.packets() == [{"url": "https://a", "channel": "global", "event": "message", "data": '{"x":1}'}]


def test_of_several_channels_a_socket_gets_one_copy_and_a_user_one_association(server, http):
    both, one = Client(server), Client(server)
    for name in ("a", "b"):
        both.subscribe(name)
        http.post("/subscriptions", {"user_id": "u", "event": name})
    one.subscribe("b")
    http.trigger(["a", "b"], "x")
    assert [channel for channel, _, _ in both.events()] == ["a"]
    assert [channel for channel, _, _ in one.events()] == ["b"]
    assert len(both.subscribe("personal-u")["events"]) == 1
    assert [event["channel"] for event in http.get("/events")["events"]] == ["b", "a"]


def test_the_apps_events_come_newest_first_and_numbered(http):
    for number in range(12):
        http.trigger("room", str(number))
    events = http.get("/events")["events"]
    assert [said(event) for event in events] == [str(number) for number in range(11, 1, -1)]
    assert [event["id"] for event in events] == list(range(12, 2, -1))
    assert len(http.get("/events?count=2")["events"]) == 2
    assert error_of(*http.ask("GET", "/events?count=x")) == 400


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": ""},
        {"data": None},
        {"data": "x", "event": ""},
        {"data": "x", "event": 1},
        {"data": "x", "channel": ""},
        {"data": "x", "channel": []},
        {"data": "x", "channel": [1]},
        {"data": "x", "channel": "x" * 181},
        b'{"data":1e999}',
        b'{"data":"x","y":1e999}',
        b'{"data":NaN}',
        b"[" * 10000,
        b'["data"]',
    ],
)
def test_what_is_no_event_is_refused(http, body):
    assert error_of(*http.ask("POST", "/events", body)) == 400
    assert http.get("/events")["events"] == []


@given(st.binary(max_size=100) | st.recursive(st.none() | st.text(), st.lists).map(lambda v: json.dumps(v).encode()))
@settings(max_examples=50, deadline=None)
def test_any_body_has_a_defined_answer(body):
    with serving() as server:
        http = Http(server)
        for path in ("/events", "/subscriptions", "/webs", "/apps", "/login"):
            assert http.ask("POST", path, body)[0] in (400, 403)


# Sockets, health, and the rest.


def test_sockets_are_listed_with_their_channels(server, http):
    client = Client(server)
    for name in ("a", "presence-b"):
        client.subscribe(name)
    listed = [{"socket_id": client.id, "channel": name} for name in ("a", "presence-b")]
    assert http.get("/sockets")["sockets"] == listed
    assert http.post(f"/sockets/{client.id}", {}) == {"channels": ["a", "presence-b"]}
    assert http.post("/sockets/nobody", {}) == {"channels": []}
    client.client.abort()
    assert http.get("/sockets")["sockets"] == []


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/health/detailed"])
def test_health_is_open_and_this_packs_own(server, path):
    assert Http(server, None).get(path)["status"] == "ok"


def test_who_drains_is_not_ready(server):
    server.server.draining = True
    assert Http(server, None).ask("GET", "/health/ready") == (503, {"status": "error", "ready": False})
    assert Http(server, None).get("/health/live") == {"status": "ok"}


def test_a_ping_goes_to_the_global_channel(server, http):
    client = Client(server)
    client.subscribe("global")
    assert http.get("/apps/ping") == {"result": "success"}
    assert client.events() == [("global", "ping", "ping")]


@pytest.mark.parametrize("path", ["/nothing", "/apns", "/webs/x/y/z/", "/apps/app1/x", "/" + KEY])
def test_everything_else_is_not_there_in_the_same_form(server, path):
    assert error_of(*Http(server, None).ask("POST", path, {})) in (404, 405)


def test_events_of_a_request_have_a_size_and_what_else_is_passed_on_has_one_too(http):
    for body in ({"data": "x" * 65537}, {"data": ["x" * 65536]}, {"data": "x", "more": "x" * 65537}):
        assert error_of(*http.ask("POST", "/events", body)) == 413
    assert http.get("/events")["events"] == []
    http.post("/events", {"data": "\u00e9" * 32768})
    assert len(http.get("/events")["events"]) == 1


def test_apps_that_anybody_may_make_are_bounded(monkeypatch):
    monkeypatch.setattr(apps, "MAX_APPS", 3)
    with serving(pushi_open_apps=True) as server:
        anybody = Http(server, None)
        assert anybody.ask("POST", "/apps", {"name": "third"})[0] == 200
        assert error_of(*anybody.ask("POST", "/apps", {"name": "fourth"})) == 403


def test_what_an_app_keeps_is_bounded_whatever_channels_clients_invent():
    """The kind: a quota for each name, where the client chooses the names. Another app keeps what it has."""
    with serving(history_bytes=100_000, pushi_event_rate=0) as server:
        kept = Client(server, OTHER["key"], OTHER["secret"])
        kept.subscribe("room")
        kept.say("room", "kept", persist=True)
        client = Client(server)
        for number in range(50):
            client.subscribe(f"room {number}")
            client.say(f"room {number}", "x" * 10_000, persist=True)
            client.ask("unsubscribe", f"room {number}")
        stored = server.storage_object
        sizes = [
            len(each.payload) for n in range(50) for each in server.result(stored.latest(f"app1/log:room {n}", 0, 9))
        ]
        sizes += [len(each.payload) for each in server.result(stored.latest("app1/events", 0, 99))]
        assert 50_000 < sum(sizes) <= 100_000
        assert [said(event) for event in kept.ask("latest", "room")["events"]] == ["kept"]
        assert server.server.counters.totals["dropped", "kept publications over history_bytes"] > 50


def test_logins_are_not_lost_to_events():
    with serving(history_channels=5, pushi_event_rate=0) as server:
        http, client = Http(server), Client(server)
        for number in range(20):
            client.subscribe(f"room {number}")
            client.say(f"room {number}", "x", persist=True)
        assert http.get("/apps")["apps"][0]["ident"] == "app1"


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
