"""What messages of a session look like on a WebSocket."""

import pytest

from filtered_websocket.filters.engineio.encodings import MESSAGES, PACKETS, Encodings

SENT = ((b"text", False), (b"\1\2", True))


@pytest.mark.parametrize(
    ("encodings", "protocol", "encoded"),
    [
        (MESSAGES, 4, [(b"4text", False), (b"\1\2", True)]),
        (MESSAGES, 3, [(b"4text", False), (b"\4\1\2", True)]),
        (PACKETS, 3, [(b"text", False), (b"\4\1\2", True)]),
    ],
)
def test_a_type_stands_before_what_has_none(encodings: Encodings, protocol: int, encoded: object) -> None:
    encoding = encodings[protocol]
    assert encoding is not None
    assert encoding.encode(SENT, "a channel") == encoded


def test_packets_of_engine_io_4_are_as_they_are() -> None:
    assert PACKETS[4] is None
