"""W3C Trace Context: the examples of its text and test suite."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.web.trace_parent import TraceParent, read

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("header", "sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-03", True),  # flags that are not known are not looked at
        (f"00-{TRACE}-{SPAN}-fe", False),
        (f"01-{TRACE}-{SPAN}-01", True),  # later versions: what this one has
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", True),
    ],
)
def test_what_is_valid_is_read(header: str, sampled: bool) -> None:
    assert read(header) == TraceParent(TRACE, SPAN, sampled)


@pytest.mark.parametrize(
    "header",
    [
        "",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01.",
        f"00-{TRACE}-{SPAN}-01-",
        f"00-{TRACE}-{SPAN}-01-what-the-future-will-be-like",
        f"cc-{TRACE}-{SPAN}-01.what-the-future-will-not-be-like",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN[1:]}.-01",
        f"0x-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-0x",
        f"00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f" 00-{TRACE}-{SPAN}-01",
    ],
)
def test_what_is_invalid_is_as_if_it_were_not_there(header: str) -> None:
    assert read(header) is None


@given(st.text())
def test_any_text_is_none_or_is_handed_on_as_the_same_trace(text: str) -> None:
    found = read(text)
    assert found is None or read(found.child()) is not None


def test_what_it_leads_to_is_of_the_same_trace_with_a_span_of_its_own() -> None:
    parent = TraceParent(TRACE, SPAN, True)
    children = [read(parent.child()) for _ in range(100)]
    assert {(child.trace_id, child.sampled) for child in children if child} == {(TRACE, True)}
    assert len({child.span_id for child in children if child} - {SPAN}) == 100
