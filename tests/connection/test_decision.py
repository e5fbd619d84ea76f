"""What filters and limits say of an opening handshake, until it is answered."""

import pytest

from filtered_websocket.connection.decision import Decision, pairs


def test_headers_are_given_as_pairs_or_as_a_dict() -> None:
    assert pairs({"X-A": "1", "X-B": 2}) == [("X-A", "1"), ("X-B", "2")]
    assert pairs((("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))) == [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    assert pairs(()) == []


@pytest.mark.parametrize("bad", ["a\r\nb", "a\nb", "a\0", "\x7f"])
def test_a_header_that_would_end_before_its_end_is_refused(bad: str) -> None:
    for header in ((bad, "value"), ("name", bad)):
        with pytest.raises(ValueError, match="no header may hold"):
            pairs([header])


def test_what_several_filters_say_adds_up_and_of_protocols_the_last_counts() -> None:
    decision = Decision()
    assert decision.answer == (None, {})
    decision.accept("one", {"Set-Cookie": "a=1"})
    decision.accept(None, [("Set-Cookie", "b=2"), ("X-A", "1")])
    assert decision.answer == ("one", {"Set-Cookie": ["a=1", "b=2"], "X-A": ["1"]})
    decision.accept("two", ())
    assert decision.answer[0] == "two"


def test_what_one_filter_said_is_not_changed_by_a_later_one_that_fails() -> None:
    decision = Decision()
    decision.accept("one", {"X-A": "1"})
    before = decision.answer
    with pytest.raises(ValueError, match="'X-C'"):
        decision.accept("two", [("X-A", "2"), ("X-C", "3\r\n")])
    assert decision.answer is before
    decision.accept("two", {"X-A": "2"})
    assert before == ("one", {"X-A": ["1"]})


def test_a_refusal_is_counted_as_a_malformed_handshake_until_it_is_known_better() -> None:
    decision = Decision()
    assert (decision.counted, decision.headers) == ("malformed handshake", ())
    decision.refuse("origin")
    assert (decision.counted, decision.headers) == ("origin", ())
    decision.refuse(headers=(("Retry-After", "1"),))
    assert (decision.counted, decision.headers) == ("", (("Retry-After", "1"),))
