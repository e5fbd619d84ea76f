"""GET and DELETE /connections over HTTP."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.http_client import Answer, ask
from tests.support.reactor_thread import until
from tests.support.serving import Served, serving
from tests.support.steering import Named, Spread

SECRET = {"Authorization": "Bearer admin"}
ODD = "<img src=x onerror=alert(1)>\x1b[31m\r\nX: y é\u2028%2F/.."


def get(served: Served, path: str, method: str = "GET", **headers: str) -> Answer:
    return ask(served.address, method, path, None, SECRET | headers)


def listed(served: Served, query: str = "") -> Any:
    answer = get(served, f"/connections{query}")
    assert answer.status == 200, answer.body
    assert answer.headers["cache-control"] == "no-store"
    return answer.json


@pytest.fixture
def served() -> Any:
    with serving(Named, Spread, admin_secret="admin") as served:
        yield served


def test_pages_are_followed_by_next(served: Served) -> None:
    for number in range(5):
        served.open(f"/?user=ann&id={number}")
    until(lambda: len(served.users) == 5)
    seen, following = [], ""
    while True:
        page = listed(served, f"?limit=2&user=ann{following}")
        assert page["total"] == 5
        assert page["unanswered"] == []
        seen += [row["id"] for row in page["connections"]]
        assert {row["process"] for row in page["connections"]} == set(page["processes"])
        if page["next"] is None:
            break
        following = f"&after={page['next']}"
    assert seen == ["0", "1", "2", "3", "4"]


def test_one_is_told_of_and_ended_by_its_id_whatever_characters_that_has(served: Served) -> None:
    odd = "a/b?c#d%20é <b>"
    client = served.open(f"/x%20y?id={quote(odd, safe='')}&user={quote(ODD)}")
    until(lambda: served.users)
    path = f"/connections/{quote(odd, safe='')}"
    (row,) = get(served, path).json["connections"]
    assert (row["id"], row["user"], row["path"]) == (odd, ODD, "/x y")
    assert row["bytes_in"] > 0
    (row,) = listed(served, f"?user={quote(ODD, safe='')}")["connections"]
    assert row["user"] == ODD
    answer = get(served, f"{path}?code=4002&reason={quote('müde')}", "DELETE")
    assert (answer.status, answer.json["ended"]) == (200, 1)
    assert client.closed() == (4002, "müde")


def test_those_of_a_user_are_ended_and_no_others(served: Served) -> None:
    clients = [served.open(f"/?user={user}") for user in ("ann", "bob", "ann")]
    until(lambda: len(served.users) == 3)
    assert get(served, "/connections?user=ann", "DELETE").json["ended"] == 2
    assert [clients[each].closed() for each in (0, 2)] == [(1000, ""), (1000, "")]
    until(lambda: len(served.users) == 1)
    assert get(served, "/connections?user=ann", "DELETE").json["ended"] == 0
    assert served.server.counters.totals["closed", "by an operator"] == 2


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/connections?usr=ann", "there is no parameter 'usr'"),
        ("/connections?limit=0", "a whole number from 1 to 1000"),
        ("/connections?limit=1001", "a whole number from 1 to 1000"),
        ("/connections?limit=-1", "a whole number"),
        ("/connections?limit=%C2%B2", "a whole number"),
        ("/connections?sort=name", "one of id, user"),
        ("/connections?user=a&user=b", "more than once"),
        ("/connections?after=x", "what another answer had as next"),
        ("/connections?after=W10=", "what another answer had as next"),
        ("/connections?sort=user&after=WzAsImEiLCIiLCIiXQ==", "a page in another order"),
        (f"/connections?user={'x' * 1025}", "1 to 1024 characters"),
        ("/connections?user=", "1 to 1024 characters"),
    ],
)
def test_what_is_asked_for_wrongly_is_told_in_a_sentence(served: Served, path: str, says: str) -> None:
    answer = get(served, path)
    assert answer.status == 400
    assert says in answer.json["error"]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/connections", "which connections?"),
        ("/connections?code=4000", "which connections?"),
        ("/connections?usr=ann", "there is no parameter"),
        ("/connections?user=ann&code=1005", "1000, 1001"),
        ("/connections?user=ann&code=999", "a whole number"),
        ("/connections?user=ann&code=5000", "a whole number"),
        (f"/connections?user=ann&reason={'x' * 124}", "at most 123 bytes"),
    ],
)
def test_nothing_is_ended_by_a_mistake(served: Served, path: str, says: str) -> None:
    served.open("/?user=ann")
    until(lambda: served.users)
    answer = get(served, path, "DELETE")
    assert answer.status == 400
    assert says in answer.json["error"]
    assert len(served.users) == 1


def test_what_is_not_there_is_not_found(served: Served) -> None:
    for method in ("GET", "DELETE"):
        answer = get(served, "/connections/none", method)
        assert (answer.status, answer.json["error"]) == (404, "there is no such connection")
    assert get(served, "/connections", "POST").status == 405
