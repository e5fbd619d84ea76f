import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.shared.signatures import equal, sign, signed

ANYTHING = st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.lists(st.text()), st.binary())


@given(st.text(alphabet=st.characters(codec="utf-8")), st.text(alphabet=st.characters(codec="utf-8")))
def test_a_signature_is_the_hmac_of_the_utf_8(secret, message):
    assert sign(secret, message) == hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def test_the_examples_of_pushers_documentation_come_out():
    message = "1234.1234:private-foobar"
    right = "278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"
    assert signed(right, "278d425bdf160c739803", "7ad3773142a6692b25b8", message)


@given(ANYTHING)
def test_whatever_a_client_gives_as_a_signature_is_wrong_and_nothing_breaks(auth):
    assert not signed(auth, "key", "secret", "1.1:private-a")


@given(st.text(), st.text())
def test_texts_are_equal_when_they_are(one, other):
    assert equal(one, other) == (one == other)


@pytest.mark.parametrize("value", [123, True, None, b"123", ["123"]])
def test_what_is_no_text_equals_no_text(value):
    assert not equal(value, "123")


@given(st.integers(0, 67), st.characters(codec="ascii"))
def test_a_signature_that_is_changed_anywhere_is_wrong(place, character):
    right = f"key:{sign('secret', '1.1:private-a')}"
    wrong = right[:place] + character + right[place + 1 :]
    assert signed(wrong, "key", "secret", "1.1:private-a") == (wrong == right)


def test_one_of_several_messages_may_be_the_signed_one():
    auth = f"key:{sign('secret', 'b')}"
    assert signed(auth, "key", "secret", "a", "b")
    assert not signed(auth, "key", "secret", "a")
    assert not signed(auth, "key", "secret")
