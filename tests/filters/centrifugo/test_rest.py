import json

import pytest

from filtered_websocket.web.request import HTTPRequest
from tests.filters.centrifugo.clients import CENTRIFUGO, connected
from tests.filters.centrifugo.requests import KEY, ask, call, with_api
from tests.support.missed import HeldHistory


@pytest.mark.parametrize(
    ("path", "method", "headers", "body", "status"),
    [
        ("/api/nope", "GET", {}, b"", 404), ("/api/publish", "GET", {}, b"", 405),
        ("/api/map_publish", "POST", {}, b"{}", 404),
        ("/api/publish", "POST", {"x_api_key": "x"}, b"{}", 401),
        ("/api/publish", "POST", {"x_api_key": ""}, b"{}", 401),
        ("/api/publish", "POST", {}, b"x", 400), ("/api/publish", "POST", {}, b"", 400),
        ("/api/publish", "POST", {}, b'{"channel":5}', 400), ("/api/publish", "POST", {}, b"[]", 400),
        ("/api/batch", "POST", {}, b'{"commands":5}', 400), ("/api/batch", "POST", {}, b"x", 400),
        ("/api/batch", "POST", {}, b'{"commands":[{"publish":{"channel":5}}],"parallel":true}', 400),
        ("/api/batch", "POST", {"x_api_key": "x"}, b"{}", 401), ("/api/batch", "POST", {}, b'{"commands":[5]}', 400),
        ("/api/info", "POST", {}, b"{}", 200), ("/api/batch", "POST", {}, b"{}", 200),
    ],
)  # fmt: skip
def test_what_is_wrong_first_counts(path, method, headers, body, status):
    with with_api() as server:
        assert ask(server, path, body, method, **headers)[0] == status


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/info", {"x_api_key": KEY}, 200), ("/api/info", {"authorization": f"apikey {KEY}", "x_api_key": ""}, 200),
        ("/api/info?api_key=the%20key%20of%20the%20API", {"x_api_key": ""}, 200),
        ("/api/info", {"authorization": f"Bearer {KEY}", "x_api_key": ""}, 401),
        ("/api/info?api_key=x", {"x_api_key": "y"}, 401),
    ],
)  # fmt: skip
def test_the_key_is_in_a_header_or_in_the_query(path, headers, status):
    with with_api() as server:
        assert ask(server, path, {}, **headers)[0] == status


def test_without_a_key_nobody_may_unless_all_may():
    with with_api(centrifugo_api_key="") as server:
        assert ask(server, "/api/info", {}, x_api_key="")[0] == 401
    with with_api(centrifugo_api_key="", centrifugo_api_insecure=True) as server:
        assert ask(server, "/api/info", {}, x_api_key="")[0] == 200


def test_errors_come_with_200_or_as_the_client_wants_them():
    with with_api() as server:
        error = {"code": 102, "message": "unknown channel"}
        body = {"channel": "nope:a", "data": 1}
        assert ask(server, "/api/publish", body) == (200, {"error": error})
        assert ask(server, "/api/publish", body, x_centrifugo_error_mode="transport") == (404, error)
        transport = {"x_centrifugo_error_mode": "transport"}
        assert ask(server, "/api/publish", {}, **transport)[0] == 400
        assert ask(server, "/api/history", {"channel": "kept:a", "since": {"epoch": "x"}}, **transport)[0] == 416


def test_a_batch_answers_each_command():
    with with_api() as server:
        commands = [
            {"publish": {"channel": "kept:a", "data": {"n": 1}}},
            {"publish": {"channel": "nope:a", "data": 1}},
            {"nope": {}},
            {},
            {"channels": {}},
        ]
        status, answer = ask(server, "/api/batch", {"commands": commands, "parallel": True})
        first, *others = answer["replies"]
        assert (status, first["publish"]["offset"]) == (200, 1)
        codes = [each["error"]["code"] if "error" in each else each for each in others]
        assert codes == [102, 104, 104, {"channels": {"channels": {}}}]


def test_the_data_is_passed_on_as_it_was_written_but_on_one_line():
    with with_api() as server:
        client = connected(server)
        client.subscribe("open:a")
        ask(server, "/api/publish", b'{"channel":"open:a","data":{\n "a" : 1.0,\r\n"a":2}\n}')
        (text,) = client.wire.received()
        assert '"data":{ "a" : 1.0,"a":2}' in text


def test_it_is_served_behind_the_path_of_its_pipeline():
    options = {"centrifugo_api_key": KEY, "filters": [CENTRIFUGO]}
    with with_api(pipelines={"/live/*": options}) as server:
        assert ask(server, "/live/api/info", {})[0] == 200
        assert ask(server, "/live/health", method="GET") == (200, {})


def test_health():
    with with_api() as server:
        assert ask(server, "/health", method="GET") == (200, {})


def test_there_is_no_rpc_of_the_servers():
    with with_api() as server:
        assert call(server, "rpc", method="x") == 104


@pytest.mark.parametrize("parallel", [False, True])
def test_the_commands_of_a_batch_follow_each_other_unless_they_need_not(parallel):
    storage = HeldHistory()
    with with_api(storage_object=storage) as server:
        call(server, "publish", channel="kept:a", data=1)
        read, publish = {"channel": "kept:a", "limit": 9}, {"channel": "kept:a", "data": 2}
        body = {"commands": [{"history": read}, {"publish": publish}], "parallel": parallel}
        site, request = server.server.site, HTTPRequest(
            "POST", "/api/batch", {"x-api-key": KEY}, json.dumps(body).encode(), peer="127.0.0.1", server=server.server
        )  # fmt: skip
        answer = site.answer(site.routes.find(request), request)
        assert storage.reads
        assert server.result(storage.position("kept:a")).offset == 1 + parallel
        storage.go_on_to_the_end()
        replies = json.loads(server.result(answer).body)["replies"]
        assert replies[1]["publish"]["offset"] == 2


READ = {"channel": "kept:a", "limit": 9}


@pytest.mark.parametrize(
    ("path", "asked"),
    [("history", READ), *(("batch", {"commands": [{"history": READ}], "parallel": each}) for each in (False, True))],
)
def test_a_program_that_goes_while_storage_has_not_answered_is_no_failure(path, asked):
    storage = HeldHistory()
    with with_api(storage_object=storage) as server:
        call(server, "publish", channel="kept:a", data=1)
        site, request = server.server.site, HTTPRequest(
            "POST", f"/api/{path}", {"x-api-key": KEY}, json.dumps(asked).encode(), peer="127.0.0.1",
            server=server.server,
        )  # fmt: skip
        answer = site.answer(site.routes.find(request), request)
        assert storage.reads
        answer.cancel()
        assert server.result(answer).status == 503
        assert not server.server.counters.totals
