"""Logins by HTTP."""

import json

import pytest

from tests.filters.pushi.clients import KEY, SECRET, Http, error_of, serving

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
def test_missing_credentials_are_an_error_of_the_client(server, given):
    right = {"app_id": "app1", "app_key": KEY, "app_secret": SECRET}
    assert error_of(*Http(server, None).ask("POST", "/login", right | given)) == 400


@pytest.mark.parametrize("path", ["/apps", "/subscriptions", "/events", "/sockets", "/webs", "/logout", "/apps/app1"])
@pytest.mark.parametrize("sid", ["", "0" * 64, "x", "x" * 500, "%ED%A0%80"])
def test_a_client_that_has_not_logged_in_gets_403(server, path, sid):
    assert error_of(*Http(server, None).ask("GET", f"{path}?sid={sid}")) == 403


def test_a_client_that_has_logged_out_has_no_session(http):
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
