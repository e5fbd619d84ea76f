import builtins
import json

import pytest

from filtered_websocket.filters.centrifugo.config_file import Document, read

CONTENT = {"client": {"token": {"hmac_secret_key": "s"}}, "channel": {"namespaces": [{"name": "ab", "presence": True}]}}
FILES = {
    "a.json": json.dumps(CONTENT),
    "a.yaml": "client:\n  token:\n    hmac_secret_key: s\nchannel:\n  namespaces:\n  - name: ab\n    presence: true\n",
    "a.toml": '[client.token]\nhmac_secret_key = "s"\n[[channel.namespaces]]\nname = "ab"\npresence = true\n',
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_json_yaml_or_toml(tmp_path, name):
    path = tmp_path / name
    path.write_text(FILES[name])
    document = read(str(path))
    assert document.content == CONTENT
    assert document.get("client.token.hmac_secret_key") == "s"
    assert [document.get(each) for each in ("client.x", "client.token.hmac_secret_key.x", "x")] == [None] * 3
    assert "s" not in repr(document).replace(str(path), "").removeprefix("<Document ")
    assert read(document) is document


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.json", "{", "JSON is wanted"), ("a.yaml", "a: [", "YAML is wanted"), ("a.toml", "a =", "TOML is wanted"),
        ("a.json", "[]", "is an object"), ("a.yaml", "5", "is an object"), ("a.txt", "{}", "ends in one of"),
        ("a.toml", b"\xff", "TOML is wanted"), ("a.json", "[" * 100_000, "JSON is wanted"),
        ("a.yaml", "!!python/object/apply:os.system [ls]", "YAML is wanted"),
    ],
)  # fmt: skip
def test_what_is_none_is_refused(tmp_path, name, content, says):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=says):
        read(str(path))


@pytest.mark.parametrize("value", ["", None, 5, "/no/such/file.json"])
def test_a_path_is_wanted(value):
    with pytest.raises(ValueError, match="configuration file of Centrifugo 6 is wanted"):
        read(value)


def test_without_its_library_yaml_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "a.yaml").write_text("{}")
    importing = builtins.__import__

    def refuse(name, *arguments):
        if name == "yaml":
            raise ImportError(name)
        return importing(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ValueError, match=r"filtered_websocket\[yaml\]"):
        read(str(tmp_path / "a.yaml"))


def test_a_document_knows_where_it_comes_from():
    assert Document("x", {}).from_file
