"""A file that holds no schema is refused."""

import pytest

from filtered_websocket.config import Options
from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.json_schema.options import KIND, SCHEMA, check


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "JSON is wanted"),
        ("[]", "a JSON object is wanted"),
        ('{"type": "objekt"}', "no JSON Schema"),
        ('{"$ref": "http://127.0.0.1:9/schema"}', "no JSON Schema: .*http://127.0.0.1:9/schema"),
        ('{"$ref": "file:///etc/passwd"}', "no JSON Schema"),
        ('{"pattern": "(?=a)b"}', "no JSON Schema"),
        ('{"$ref": "#/nowhere"}', "no JSON Schema"),
    ],
)
def test_a_file_that_holds_no_schema_is_refused_before_the_start(tmp_path, content, says):
    path = tmp_path / "schema.json"
    path.write_text(content)
    with pytest.raises((ConfigError, ValueError), match=says):
        check(Options([(SCHEMA, SCHEMA.parse(str(path)), ""), (KIND, "", "")]))


def test_a_file_is_wanted(tmp_path):
    with pytest.raises(ValueError, match=r"a file with a JSON Schema is wanted \(No such file"):
        SCHEMA.parse(str(tmp_path / "none.json"))
    with pytest.raises(ConfigError, match="--json_schema chat"):
        check(Options([(SCHEMA, SCHEMA.parse(""), ""), (KIND, "", "")]))
