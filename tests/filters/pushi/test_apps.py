"""Apps, made by HTTP."""

import base64

from filtered_websocket.filters.pushi import apps
from filtered_websocket.storage_objects.memory import StorageObject
from tests.filters.pushi.clients import Client, Http, error_of, serving

# Apps.


def test_apps_are_made_by_nobody_unless_an_option_says_so(server):
    assert error_of(*Http(server, None).ask("POST", "/apps", {"name": "x"})) == 403


def test_apps_are_made_with_the_secret_of_the_administrator():
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


def test_apps_that_anybody_may_make_are_bounded(monkeypatch):
    monkeypatch.setattr(apps, "MAX_APPS", 3)
    with serving(pushi_open_apps=True) as server:
        anybody = Http(server, None)
        assert anybody.ask("POST", "/apps", {"name": "third"})[0] == 200
        assert error_of(*anybody.ask("POST", "/apps", {"name": "fourth"})) == 403
