import pytest

from tests.filters.pushi.clients import KEY, Client, Http, error_of


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/health/detailed"])
def test_health_is_open_and_this_packs_own(server, path):
    assert Http(server, None).get(path)["status"] == "ok"


def test_a_server_that_drains_is_not_ready(server):
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
