"""Messages of a schema go on; of others their sender is told where and why."""

import json
import time

import pytest

from filtered_websocket.testing.server import Server
from tests.support.small_filters import Echo

JSON_SCHEMA = "filtered_websocket.filters.json_schema"
SAY = {
    "type": "object",
    "properties": {"text": {"type": "string", "maxLength": 5}, "a/b~c": {"type": "integer"}},
    "required": ["text"],
}


@pytest.fixture
def file(tmp_path):
    def write(schema):
        path = tmp_path / "schema.json"
        path.write_text(json.dumps(schema))
        return str(path)

    return write


def answers(server, *messages):
    client = server.connect()
    for message in messages:
        client.send(message)
    return client.received()


def test_what_fits_goes_on_as_it_is_and_of_others_the_sender_is_told(file):
    with Server(JSON_SCHEMA, Echo, json_schema=file(SAY)) as server:
        good = '{ "text":"hi" }'
        assert answers(server, good) == [good]
        odd = ['{"text": "too long"}', "{}", '{"text": "", "a/b~c": "x"}', '{"text":', "", good.encode()]
        told = [json.loads(each) for each in answers(server, *odd)]
        assert [each["at"] for each in told] == ["/text", "", "/a~1b~0c", "", "", ""]
        assert {each["error"] for each in told} == {"invalid message"}
        assert told[0]["reason"] == '"too long" is longer than 5 characters'
        assert told[3]["reason"].startswith("no JSON")
        assert told[5]["reason"] == "text is wanted"
        assert server.server.counters.totals["dropped", "json_schema: invalid message"] == 6


def test_each_kind_of_message_has_a_schema(file):
    kinds = {"say": SAY, "leave": {"type": "object", "maxProperties": 1}}
    with Server(JSON_SCHEMA, Echo, json_schema=file(kinds), json_schema_kind="type") as server:
        good = ['{"type": "say", "text": "hi"}', '{"type": "leave"}']
        assert answers(server, *good) == good
        bad = ['{"type": "say"}', '{"type": "leave", "x": 1}', '{"type": "sing"}', '{"type": ["say"]}', "{}", "[]"]
        told = [json.loads(each) for each in answers(server, *bad)]
        assert [each["at"] for each in told] == ["", "", "/type", "/type", "/type", ""]


def test_others_may_be_closed_or_dropped(file):
    with Server(JSON_SCHEMA, Echo, json_schema=file(SAY), json_schema_invalid="close") as server:
        client = server.connect()
        client.send('{"text": 5}')
        assert (client.close_code, client.close_reason) == (1007, '/text: 5 is not of type "string"')
        assert server.server.counters.totals["closed", "json_schema: invalid message"] == 1
    with Server(JSON_SCHEMA, Echo, json_schema=file(SAY), json_schema_invalid="drop") as server:
        assert answers(server, "{}", '{"text": "a"}') == ['{"text": "a"}']
        assert server.server.counters.totals["dropped", "json_schema: invalid message"] == 1


def test_two_uses_have_schemas_of_their_own(file, tmp_path):
    (tmp_path / "second.json").write_text('{"minProperties": 2}')
    both = [{"filter": JSON_SCHEMA, "json_schema": each} for each in (file(SAY), str(tmp_path / "second.json"))]
    with Server(*both, Echo) as server:
        told = [json.loads(each)["reason"] for each in answers(server, "{}", '{"text": ""}')]
        assert told[0] == '"text" is a required property'
        assert "2 properties" in told[1]


def test_bombs_cost_their_bytes(file):
    nested = {"type": "array", "items": {"$ref": "#/$defs/nested"}}
    others = [{"uniqueItems": True, "type": "array"}, {"type": "string", "pattern": "^(a+)+$"}]
    schema = {"$defs": {"nested": nested}, "anyOf": [{"$ref": "#/$defs/nested"}, *others]}
    with Server(JSON_SCHEMA, json_schema=file(schema), max_message_size=2**20) as server:
        begin = time.process_time()
        for bomb in ("[" * 500_000 + "]" * 500_000, json.dumps(["a" * 4] * 120_000), json.dumps("a" * 900_000 + "b")):
            (told,) = answers(server, bomb)
            assert len(told) < 1000
        # Where patterns backtrack, or each item is compared with each, it is hours.
        assert time.process_time() - begin < 15
