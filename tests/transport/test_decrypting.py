"""What comes over TLS is what comes without it, however it is cut."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from filtered_websocket.connection import receiving
from filtered_websocket.connection.connection import Connection
from tests.fuzz.agreement import Side, split
from tests.fuzz.over_tls import Port, SecureEnd
from tests.support import certificates
from tests.support.raw_client import PING, close_frame, frame
from tests.test_fast_path import streams


class Both(NamedTuple):
    side: Side
    port: Port


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    defaults = receiving.SHARE, receiving.SHARE_SECONDS
    side = Side(Connection)
    yield Both(side, Port(certificates.write(tmp_path_factory.mktemp("tls"))))
    side.close()
    receiving.SHARE, receiving.SHARE_SECONDS = defaults


numbers = st.lists(st.integers(1, 200) | st.sampled_from([1, 5, 21, 22, 23, 16384, 65536]), min_size=1, max_size=4)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(streams, st.lists(st.integers(0, 70_000), max_size=4), numbers, numbers, st.booleans(), st.booleans())
@example(frame("x") + frame("", PING) + frame("a") + close_frame(), [], [1], [1], False, True)
@example(frame("x" * 290) * 200, [], [65536], [16384], False, False)
def test_the_same_bytes_give_the_same_events_over_tls_however_both_are_cut(
    both: Both, stream: bytes, cuts: list[int], sizes: list[int], records: list[int], deflate: bool, alert: bool
) -> None:
    pieces = split(stream, cuts)
    plain = both.side.play(pieces, deflate, 0)
    meet = partial(SecureEnd, port=both.port, sizes=sizes, records=records, alert=alert)
    assert both.side.play(pieces, deflate, 0, meet) == plain
