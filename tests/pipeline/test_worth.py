"""What positions of an epoch are worth in another one, by what is known of one of them."""

import pytest

from filtered_websocket.messages.publication import Position
from filtered_websocket.pipeline.worth import Worth


@pytest.mark.parametrize(
    ("common", "upto", "offset", "goes_on"),
    [
        (8, 10, 12, 8), (8, 10, 10, 8), (8, 10, 8, 8), (8, 10, 3, 3), (8, 10, 0, 0),
        (10, 10, 10, 10), (10, 10, 3, 3), (10, 10, 11, None), (0, 10, 99, 0), (0, 0, 1, None),
    ],
)  # fmt: skip
def test_up_to_where_both_are_the_same(common, upto, offset, goes_on):
    expected = None if goes_on is None else Position("f", goes_on)
    assert Worth("f", common, upto).of(Position("e", offset)) == expected
