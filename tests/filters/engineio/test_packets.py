import base64

import pytest

from filtered_websocket.filters.engineio import packets


@pytest.mark.parametrize("kind", ["bAQD/", "b4AQD/"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n", " "])
def test_base64_may_have_line_ends_as_javas_has(kind: str, end: str) -> None:
    protocol = 3 if kind.startswith("b4") else 4
    assert packets.decode_text(kind + end, protocol) == (b"\1\0\xff", True)
    data = bytes(range(256))
    folded = base64.encodebytes(data).decode().replace("\n", end or "\n")
    assert packets.from_base64(folded) == data


def test_the_digit_4_is_no_type_in_the_base64_of_engine_io_4() -> None:
    data = packets.from_base64("4AQI")
    assert packets.decode_text("b4AQI", 4) == (data, True)
    assert packets.decode_text("b44AQI", 3) == (data, True)


@pytest.mark.parametrize("text", ["+/8=", "-_8=", "-_8", "+/8", "+/\n8"])
def test_base64_may_be_of_either_alphabet_and_unpadded_as_node_takes_it(text: str) -> None:
    assert packets.from_base64(text) == b"\xfb\xff"
