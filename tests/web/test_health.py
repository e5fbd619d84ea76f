from tests.support.http_client import ask
from tests.support.reactor_thread import call
from tests.support.serving import serving


def test_a_server_that_runs_is_alive_and_ready() -> None:
    with serving() as served:
        for path in ("/health/live", "/health/ready"):
            answer = ask(served.address, "GET", path)
            assert (answer.status, answer.body) == (200, b'{"status":"ok"}')
            assert answer.headers["cache-control"] == "no-store"
            assert ask(served.address, "HEAD", path).status == 200


def test_a_server_that_drains_is_alive_but_not_ready() -> None:
    with serving() as served:
        call(setattr, served.server, "draining", True)
        answer = ask(served.address, "GET", "/health/ready")
        assert (answer.status, answer.json) == (503, {"status": "unavailable", "reason": "draining"})
        assert ask(served.address, "GET", "/health/live").status == 200


def test_a_server_whose_storage_is_away_is_not_ready() -> None:
    with serving() as served:
        storage = served.server.storage_object

        class Away(type(storage)):  # type: ignore[misc]
            ready = False

        call(setattr, storage, "__class__", Away)
        answer = ask(served.address, "GET", "/health/ready")
        assert (answer.status, answer.json["reason"]) == (503, "the storage object is away")
