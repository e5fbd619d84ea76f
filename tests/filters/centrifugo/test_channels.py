from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.centrifugo.channels import joins_of


def test_joins_are_told_on_a_channel_that_no_client_can_name():
    assert joins_of("news") == "\x01jnews"


@given(st.text(max_size=300), st.text(max_size=300))
def test_each_channel_has_its_own_of_a_length_that_the_core_takes(one, other):
    assert len(joins_of(one)) <= 202
    assert (joins_of(one) == joins_of(other)) == (one == other)


def test_a_short_channel_that_is_called_as_a_long_ones_is_another():
    long = joins_of("x" * 300)
    assert joins_of(long.removeprefix("\x01j")) != long or long.removeprefix("\x01j") < " "
