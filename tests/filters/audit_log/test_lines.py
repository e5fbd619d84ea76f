"""Lines of JSON: times, texts that are cut off, and no secrets."""

import json

from filtered_websocket.filters.audit_log.lines import line


def test_a_line_is_an_object():
    record = {"time": 0.0125, "event": "message", "size": 3, "text": "a\n\u2028é".encode()}
    assert line(record).endswith(b"}\n")
    assert line(record).count(b"\n") == 1
    assert json.loads(line(record)) == {
        "time": "1970-01-01T00:00:00.012Z", "event": "message", "size": 3, "text": "a\n\u2028é"
    }  # fmt: skip


def test_a_text_may_be_cut_off_within_a_character():
    assert json.loads(line({"text": "aé".encode()[:2]})) == {"text": "a"}


def test_secrets_are_hidden():
    shown = json.loads(line({"path": "/a;token=abc", "reason": "Bearer abcdefgh", "text": b'{"password": "x'}))
    assert not {"abc", "abcdefgh", "x"} & set(str(shown).replace('"', " ").split())
    assert str(shown).count("(hidden)") == 3
