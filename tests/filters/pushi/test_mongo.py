"""What the original kept in MongoDB, brought into a storage object."""

import json
import time

import pytest

from filtered_websocket.filters.pushi.mongo import bring, read
from tests.filters.pushi.clients import KEY, SECRET, Client, serving

RECORD = {"enabled": True, "description": None, "meta": {}, "instance": "app9"}
APP = {"_id": {"$oid": "5f"}, "id": 1, "ident": "app9", "key": "n" * 64, "secret": "its-secret", "name": "old"}


def event(mid, age, **more):
    data = {"event": "message", "channel": "news", "data": f"of {mid}"}
    return RECORD | {"mid": mid, "timestamp": time.time() - age, "channel": "news", "data": data} | more


def write(folder, **collections):
    for name, documents in collections.items():
        (folder / f"{name}.json").write_text("\n".join(json.dumps(each) for each in documents))


def test_an_array_is_as_good_as_lines_and_a_file_that_is_not_there_holds_nothing(tmp_path):
    (tmp_path / "app.json").write_text(f"\n {json.dumps([APP])}")
    (tmp_path / "web.json").write_text('\n{"a": 1}\n\n{"b": 2}\n')
    found = read(tmp_path)
    assert [each["ident"] for each in found.pop("app")] == ["app9"]
    assert found.pop("web") == [{"a": 1}, {"b": 2}]
    assert found == {"subscription": [], "pushievent": [], "association": []}


def test_numbers_and_dates_of_mongodb_are_those_of_json(tmp_path):
    value = {"a": {"$numberLong": "7"}, "b": [{"$numberInt": "1"}, {"$numberDouble": "1.5"}, {"$numberDecimal": "2.5"}]}
    value |= {"c": {"$oid": "5f"}, "d": {"$date": {"$numberLong": "9"}}, "e": {"plain": {"$more": 1, "than": "one"}}}
    write(tmp_path, web=[value])
    (found,) = read(tmp_path)["web"]
    assert found == {"a": 7, "b": [1, 1.5, 2.5], "c": "5f", "d": 9, "e": {"plain": {"$more": 1, "than": "one"}}}


def test_a_line_that_mongoexport_did_not_write_is_named(tmp_path):
    (tmp_path / "app.json").write_text('{"ident": "a"}\n{"id": {"$numberLong": "x"}}')
    with pytest.raises(ValueError, match=r"app\.json, line 2: "):
        read(tmp_path)


def test_what_was_kept_is_found_by_a_server_and_what_is_too_old_or_of_no_app_is_left_out(tmp_path):
    write(
        tmp_path,
        app=[APP],
        subscription=[RECORD | {"id": 7, "user_id": "u", "event": "news"}, RECORD | {"instance": "gone"}],
        pushievent=[
            event("m2", 8),
            event("m0", 10),
            event("m1", 9),
            event("old", 10**9),
            event("x", 1, instance="gone"),
        ],
        association=[RECORD | {"user_id": "u", "mid": mid} for mid in ("m0", "m2", "old")],
        web=[RECORD | {"url": "https://a.example/", "event": "news"}],
    )
    with serving() as server:
        brought = server.result(bring(server.storage_object, read(tmp_path), server.pipeline().options))
        assert brought == {"app": 1, "subscription": 1, "web": 1, "association": 2, "pushievent": 3}
        server.advance(2)
        client = Client(server, APP["key"], APP["secret"])
        assert [each["mid"] for each in client.subscribe("news") and client.ask("latest", "news")["events"]] == [
            "m2",
            "m1",
            "m0",
        ]
        about = client.subscribe("personal-u")
        assert about["alias"] == ["news"]
        assert [each["mid"] for each in about["events"]] == ["m2", "m0"]
        # The apps of the options are there as before.
        Client(server, KEY, SECRET)


def test_bringing_twice_doubles_the_events_and_nothing_else(tmp_path):
    write(tmp_path, app=[APP], pushievent=[event("m", 1)], subscription=[RECORD | {"user_id": "u", "event": "news"}])
    with serving() as server:
        for _ in range(2):
            server.result(bring(server.storage_object, read(tmp_path), server.pipeline().options))
        server.advance(2)
        client = Client(server, APP["key"], APP["secret"])
        assert client.subscribe("personal-u")["alias"] == ["news"]
        assert [each["mid"] for each in client.ask("latest", "news")["events"]] == ["m", "m"]
