"""What is wrong with a message, and where."""

import json

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
