import json
from string import ascii_letters

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.monitoring.secrets import HIDDEN, without_secrets

SECRET = st.text(ascii_letters + "0123456789", min_size=8, max_size=40).map(lambda text: f"zq{text}zq")
NAMES = st.sampled_from(
    ["token", "Token", "password", "access_token", "api_key", "apiKey", "userToken", "client-secret", "auth", "sid"]
)


@given(NAMES, SECRET, st.integers(0, 2), st.integers(0, 60))
def test_a_member_that_its_name_shows_to_be_a_secret_is_not_shown_however_deep_or_cut(
    name: str, secret: str, depth: int, cut: int
) -> None:
    text = json.dumps({"a": 1, name: secret, "b": "kept"})
    for _ in range(depth):
        text = json.dumps({"data": text})
    shown = without_secrets(text)
    assert secret not in shown
    assert HIDDEN in shown
    assert "kept" in shown
    # Wherever it is cut, no part of it is left that tells anything.
    assert secret[:6] not in without_secrets(text[: text.index(secret) + 8 + cut % 4])


@given(NAMES, SECRET)
def test_nor_is_a_parameter_of_an_address(name: str, secret: str) -> None:
    shown = without_secrets(f"/chat?room=1&{name}={secret}&x=y")
    assert shown == f"/chat?room=1&{name}={HIDDEN}&x=y"


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer zqsecretzq",
        "Basic zqsecretzq==",
        "the token eyJhbGciOiJIUzI1NiJ9.zqsecretzq.zqsecretzq",
        '42["login",{"password":{"deep":"zqsecretzq"}}]',
        '{"tokens_are": 1, "token": ["zqsecretzq", "zqsecretzq"]}',
    ],
)
def test_nor_is_what_its_form_shows(text: str) -> None:
    assert "zqsecretzq" not in without_secrets(text)


@given(st.text(max_size=200))
def test_any_text_is_taken(text: str) -> None:
    without_secrets(text)


@pytest.mark.parametrize("text", ['{"author": "ann", "text": "pass the salt", "compass": 1}', "hello", "", "a=b"])
def test_what_is_none_stays(text: str) -> None:
    assert without_secrets(text) == text
