from filtered_websocket.transport.plaintext import Plaintext
from filtered_websocket.transport.streams import LARGE


def test_it_comes_out_in_order_whatever_the_sizes() -> None:
    plaintext, put, taken = Plaintext(), b"", b""
    for size in (1, LARGE, 10, LARGE - 1, 3 * LARGE + 7, 1, 1):
        data = bytes([size % 251]) * size
        put += data
        plaintext.add(data)
    assert plaintext.size == len(put)
    while plaintext.size:
        piece = plaintext.take(LARGE)
        assert 0 < len(piece) <= LARGE
        taken += piece
        assert plaintext.size == len(put) - len(taken)
    assert taken == put


def test_what_is_large_is_held_once_and_what_is_small_is_joined() -> None:
    plaintext, large = Plaintext(), bytes(2 * LARGE)
    plaintext.add(large)
    for _ in range(1000):
        plaintext.add(b"small")
    first = plaintext.take(LARGE)
    assert isinstance(first, memoryview)
    assert first.obj is large
    plaintext.take(LARGE)
    assert plaintext.take(LARGE) == b"small" * 1000
