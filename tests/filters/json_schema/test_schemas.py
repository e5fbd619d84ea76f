"""What is wrong with a message, and where."""

import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.json_schema.schemas import Schemas

SAY = {
    "type": "object",
    "properties": {"text": {"type": "string", "maxLength": 5}, "a/b~c": {"type": "integer"}},
    "required": ["text"],
}


def test_kinds_are_checked_each(tmp_path):
    path = tmp_path / "kinds.json"
    path.write_text('{"say": {}, "sing": 5}')
    with pytest.raises(ConfigError, match=r"kinds\.json: sing: no JSON Schema"):
        Schemas(str(path)).compile("type")


def wrong(tmp_path, schema, value):
    path = tmp_path / "one.json"
    path.write_text(json.dumps(schema))
    return Schemas(str(path)).wrong(value, "")


def test_of_a_choice_that_is_not_met_the_place_is_told(tmp_path):
    either = {"properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}, "not": {"required": ["b"]}}
    assert wrong(tmp_path, either, {"a": 1}) == ("/a", "it fits none of the schemas in anyOf")
    assert wrong(tmp_path, either, {"b": 1}) == ("", "it fits the schema in not")
    assert wrong(tmp_path, either, {"a": None}) is None


def test_where_no_copy_can_explain_it_is_said_that_a_message_does_not_fit(tmp_path):
    none = ("", "it does not fit the schema")
    refers = {"anyOf": [{"type": "array", "items": {"$ref": "#/anyOf/1"}}, {"type": "string"}]}
    assert wrong(tmp_path, refers, [1]) == none
    assert wrong(tmp_path, refers, ["a"]) is None
    choice = {"anyOf": [{"properties": {"a": {}}}], "unevaluatedProperties": False}
    assert wrong(tmp_path, choice, {"b": 1}) == none
    assert wrong(tmp_path, choice, {"a": 1}) is None


NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}


@pytest.mark.parametrize("choice", ["anyOf", "oneOf"])
def test_what_is_wrong_is_found_at_once_however_deep_and_often(tmp_path, choice):
    """Collected are otherwise the faults of all branches: two to the power of forty; a minute for a megabyte."""
    node = {
        "$defs": {"node": {choice: [{"type": "null"}, NODE, NODE | {"required": ["other"]}]}},
        "$ref": "#/$defs/node",
    }
    value = 5
    for _ in range(40):
        value = {"next": value}
    begin = time.process_time()
    assert wrong(tmp_path, node, value) == (
        "",
        f"it fits none of the schemas in {choice}" + ", or more than one" * (choice == "oneOf"),
    )
    lists = {choice: [{"items": {"type": "string"}}, {"items": {"type": "null"}}]}
    assert wrong(tmp_path, lists, [1] * 300_000)[0] == ""
    assert wrong(tmp_path, {"items": {"type": "string"}}, [1] * 300_000) == ("/0", '1 is not of type "string"')
    assert time.process_time() - begin < 5


ANY = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANY)
def test_any_json_has_an_answer(tmp_path, value):
    path = tmp_path / "any.json"
    path.write_text(json.dumps({"anyOf": [SAY, {"type": "array", "items": SAY, "uniqueItems": True}]}))
    wrong = Schemas(str(path)).wrong(value, "")
    assert wrong is None or all(isinstance(each, str) for each in wrong)
