"""Each parser: what it takes from text and from JSON, and what it says of the rest."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.config import boolean, choice, integer, json_value, seconds, size, text, words

# Parsers.
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
LIKELY = st.from_regex(r"\A\s?[-+]?[0-9]{0,20}[.]?[0-9]{0,3}[kKmMgGeE]?[0-9]?\Z") | st.sampled_from(
    ["true", "F", "on", "nan", "inf", "-Infinity", "1e400", "[" * 100_000, "9" * 5000, "{}", '{"a": NaN}', "a b", "\0"]
)
PARSERS = {
    "integer": (integer(-5, 10**9), lambda value: type(value) is int and -5 <= value <= 10**9),
    "seconds": (seconds(0, math.inf), lambda value: type(value) is float and 0 <= value < math.inf),
    "size": (size(1, 1 << 40), lambda value: type(value) is int and 1 <= value <= 1 << 40),
    "boolean": (boolean, lambda value: type(value) is bool),
    "text": (text, lambda value: type(value) is str and value.encode("utf-8") is not None),
    "choice": (choice("a", "b c"), lambda value: value in ("a", "b c")),
    "words": (words, lambda value: type(value) is list and all(type(word) is str for word in value)),
    "object": (json_value(dict), lambda value: type(value) is dict),
    "list": (json_value(list), lambda value: type(value) is list),
    "int": (json_value(int), lambda value: type(value) is int),
}


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_gives_a_value_of_its_type_or_says_in_a_sentence_what_is_wanted(name):
    parse, right = PARSERS[name]

    @given(ANYTHING | LIKELY)
    def check(value):
        try:
            result = parse(value)
        except ValueError as error:
            sentence = str(error)
        else:
            assert right(result)
            sentence = "what is wanted"
        assert "wanted" in sentence or "is not JSON" in sentence or "is there twice" in sentence
        assert "\n" not in sentence

    check()


@given(st.integers(-5, 10**9))
def test_an_integer_is_the_same_from_text_and_from_json(number):
    parse = integer(-5, 10**9)
    assert parse(str(number)) == parse(number) == number


@given(st.floats(0, 1e9))
def test_seconds_are_the_same_from_text_and_from_json(number):
    assert seconds(0, 1e9)(repr(number)) == seconds(0, 1e9)(number) == number


@given(ANYTHING)
def test_json_is_the_same_from_text_and_from_the_file(value):
    check = json_value(lambda value: None)
    try:
        document = json.dumps(value, allow_nan=False)
    except ValueError:
        return
    assert check(document) == json.loads(document)


@pytest.mark.parametrize(
    ("given_", "value"), [("64k", 65536), ("1M", 1 << 20), ("2g", 2 << 30), (" 10 ", 10), (10, 10), ("0010", 10)]
)
def test_a_size_may_have_a_unit(given_, value):
    assert size(0, 1 << 40)(given_) == value


@pytest.mark.parametrize("value", ["64kb", "1.5M", "-1", 1.0, True, "k", "", None])
def test_other_sizes_are_refused(value):
    with pytest.raises(ValueError, match="64k"):
        size(0, 1 << 40)(value)


@pytest.mark.parametrize("yes", ["true", "1", "yes", "on", "t", "T", "TRUE", "True", True, 1])
def test_yes_has_many_spellings(yes):
    assert boolean(yes) is True


@pytest.mark.parametrize("no", ["false", "0", "no", "off", "f", "F", "FALSE", False, 0])
def test_no_has_many_spellings(no):
    assert boolean(no) is False


def test_true_is_no_number():
    for parse in (integer(0, 5), seconds(0, 5), size(0, 5), json_value(int)):
        with pytest.raises(ValueError):
            parse(True)


def test_a_check_of_json_may_give_the_value_to_use():
    assert json_value(lambda value: set(value))("[1, 1]") == {1}


def test_a_key_that_is_there_twice_is_refused():
    with pytest.raises(ValueError, match='"a" is there twice'):
        json_value(dict)('{"a": 1, "a": 2}')
