"""Parameters are those of `parse_qs`, however they are read."""

from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.web.query import parameters

QUERIES = st.text(st.sampled_from("ab=&%+;?2Fé\xa0\0"), max_size=12) | st.text(max_size=12)


@given(QUERIES)
def test_parameters_are_read_as_parse_qs_reads_them(query):
    found = parameters(query)
    assert found == parse_qs(query, keep_blank_values=True)
    assert list(found) == list(parse_qs(query, keep_blank_values=True))


@pytest.mark.parametrize("query", ["a=1&b=2", "a=1&b=%32", "&&", "a+=1&"])
def test_more_than_there_may_be_are_refused(query):
    count = query.count("&") + 1
    assert parameters(query, count) == parameters(query)
    with pytest.raises(ValueError):
        parameters(query, count - 1)
