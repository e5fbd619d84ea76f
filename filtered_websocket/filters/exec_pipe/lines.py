"""Messages as lines, and lines as messages."""

import json

from filtered_websocket.errors import Close

UNSUPPORTED = 1003
"""RFC 6455, section 7.4.1: data of a type that cannot be accepted."""


def line_of(message: bytes | bytearray | str, binary: bool, as_json: bool) -> bytes:
    """
    :raises Close: 1003: no line can hold it
    """
    if binary:
        raise Close(UNSUPPORTED, "text is wanted")
    if as_json:
        return json.dumps(message if isinstance(message, str) else bytes(message).decode()).encode()
    line = message.encode() if isinstance(message, str) else bytes(message)
    if b"\n" in line or b"\0" in line:
        raise Close(UNSUPPORTED, "a text without line ends and NUL is wanted")
    return line


def message_of(line: bytes, as_json: bool) -> str:
    """
    :raises UnicodeDecodeError: it is no UTF-8
    """
    text = line.removesuffix(b"\r").decode()
    if as_json and text.startswith('"'):
        try:
            return str(json.loads(text))
        except ValueError:
            return text
    return text
