"""GET /openapi.json: the document is one, and the server does what it says (schemathesis)."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from filtered_websocket.server.server import OWN
from filtered_websocket.web.steering.openapi import document
from tests.support.http_client import ask
from tests.support.reactor_thread import until
from tests.support.serving import Served, serving
from tests.support.steering import Named, Spread

SECRET = {"Authorization": "Bearer admin"}
SCHEMA = schemathesis.openapi.from_dict(document())
CHECKS: list[Any] = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]  # fmt: skip
OPERATIONS = [each.ok() for each in SCHEMA.get_all_operations()]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving(Named, Spread, admin_secret="admin", publish_secret="publish") as served:
        for number in range(3):
            served.open(f"/?user=ann&id=c{number}").send("+room")
        until(lambda: len(served.server.pipelines[0].hub.subscribers("room")) == 3)
        yield served


def test_the_document_is_given_to_those_that_may_see_the_metrics(served: Served) -> None:
    answer = ask(served.address, "GET", "/openapi.json", None, SECRET)
    assert answer.json == document()
    assert answer.json["openapi"].startswith("3.1")
    assert ask(served.address, "GET", "/openapi.json").status == 401


def test_it_names_every_endpoint_of_the_server_but_those_of_the_dashboard() -> None:
    described = {
        path.replace("{id}", "*").replace("{name}", "*"): set(told) for path, told in document()["paths"].items()
    }
    served = {
        each.path: {method.lower() for method in each.methods} for each in OWN if not each.path.startswith("/dashboard")
    }
    assert described == served


@pytest.mark.parametrize(
    ("path", "given_path", "query"),
    [
        ("/connections", {}, {"user": "ann", "limit": 2, "sort": "oldest"}),
        ("/connections/{id}", {"id": "c1"}, {}),
        ("/channels", {}, {}),
        ("/channels/{name}", {"name": "room"}, {}),
    ],
)
def test_what_there_is_is_as_the_document_says(
    served: Served, path: str, given_path: dict[str, str], query: dict[str, Any]
) -> None:
    case = SCHEMA[path]["GET"].Case(path_parameters=given_path, query=query)
    url = f"http://127.0.0.1:{served.address[1]}"
    answer = case.call_and_validate(base_url=url, headers=SECRET, checks=CHECKS, timeout=15)
    assert answer.status_code == 200
    assert answer.json()["connections" if path.startswith("/connections") else "channels"]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.label)
def test_the_server_does_what_the_document_says(served: Served, operation: Any) -> None:
    secret = {"Authorization": "Bearer publish"} if operation.path == "/publish" else SECRET
    url = f"http://127.0.0.1:{served.address[1]}"

    @settings(
        max_examples=4, deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def ask_for(case: Any) -> None:
        if operation.path == "/trace":
            # A trace that goes on is read to its end.
            case.query = dict(case.query or {}) | {"seconds": 1}
        case.call_and_validate(base_url=url, headers=secret, checks=CHECKS, timeout=15)

    ask_for()
