"""The head of an HTTP request, read in one place for every decision (RFC 9112, 2 to 5; RFC 9110, 5).

Two parsers of one head are a hole: what is text to one is a header to the other. So the handshake, plain HTTP, limits,
origins and filters all see what `parse` has read, or the client gets what it could not read: 400.

1. A line ends with CRLF and with nothing else. Control characters (but tab), bare CR or LF, folded lines, a name that
   is no token, HTTP/1.1 with no Host or with two: no head. Bytes above 0x7F are text (obs-text), read as Latin-1.
2. A header that comes several times is one list; of those that are no list it is no head.
3. A target with an authority, as proxies are asked, is that of its path, and the authority takes the place of Host.

Pure: bytes in; a `Head` or a `Refused` comes out, nothing is raised.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote

MAX_HEADERS = 128

_ONCE = frozenset({"host", "origin", "content-length", "sec-websocket-key", "sec-websocket-version"})
"""Headers that are no list, and decide something."""

_TCHAR = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"
_TOKEN = rb"%b++" % _TCHAR
_LINE = rb"%b [!-\"$-~\x80-\xff]++ HTTP/1\.[01]\r\n" % _TOKEN
FIELDS = rb"(?:%b:[\t -~\x80-\xff]*+\r\n)*+" % _TOKEN
"""A pattern of headers, one a line."""
_HEAD = re.compile(rb"%b%b\r\n" % (_LINE, FIELDS))
_FIRST = re.compile(_LINE)
_HOST = re.compile(r"(?:\[[0-9A-Za-z:.%]++\]|[^\x00-\x20\x7f/?#@\\\[\]:]*+)(?::[0-9]*+)?")
_ABSOLUTE = re.compile(r"(?i:https?|wss?)://([^/?]++)(.*)")
_NEVER = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""What stands in no head, also while it is incomplete."""
METHOD = re.compile(rb"%b{1,20}( |\Z)" % _TCHAR)
"""How a request line begins, as far as it is there."""
_EMPTY_LINES = re.compile(rb"(?:\r\n)*+")


class Refused(NamedTuple):
    """Why a request is not taken: the status of the answer, one line for the client, and headers beside it."""

    status: int
    text: str
    headers: tuple[tuple[str, str], ...] = ()


class Head(NamedTuple):
    """
    :ivar raw: as received, the empty line at the end included
    :ivar target: path and query as sent, with a slash at least; ``*`` for OPTIONS
    :ivar version: ``1.0`` or ``1.1``
    :ivar headers: by lower-case name, Latin-1; a header that came several times is joined by commas, Cookie by ``; ``
    """

    raw: bytes
    method: str
    target: str
    version: str
    headers: Mapping[str, str]


def begin_of(data: bytes | bytearray) -> int:
    """Where a request begins: empty lines before it are none (RFC 9112, 2.2)."""
    empty = _EMPTY_LINES.match(data)
    assert empty is not None
    return empty.end()


def end_of(data: bytes | bytearray, limit: int, searched: int = 0) -> int | Refused:
    """How long the head is that data begins with; 0 if it is not complete yet.

    :param limit: bytes that it may have, the empty line not counted
    :param searched: so many bytes were looked at before, and did not end it
    """
    end = data.find(b"\r\n\r\n", max(0, searched - 3))
    if 0 <= end <= limit:
        return end + 4
    if end > limit or len(data) > limit + 3:
        return Refused(431, "Request Header Fields Too Large")
    if _NEVER.search(data, max(0, searched - 1)):
        return Refused(400, "a line must end with CRLF, and may hold no control characters")
    return 0


def parse(raw: bytes) -> Head | Refused:
    """Read a complete head."""
    if _HEAD.fullmatch(raw) is None:
        return _fault(raw)
    # Counted before anything is made of them; beside them are the first line and the empty one.
    if raw.count(b"\r\n") > MAX_HEADERS + 2:
        return Refused(431, "Request Header Fields Too Large")
    # As `FIELDS` has found: lines with a colon each, and the empty one behind the last.
    first, *fields, _, _ = raw.decode("latin-1").split("\r\n")
    method, target, version = first.split(" ")
    headers = {}
    for field in fields:
        name, _, value = field.partition(":")
        headers[name.lower()] = value.strip(" \t")
    if len(headers) != len(fields):
        joined = _joined(fields)
        if isinstance(joined, Refused):
            return joined
        headers = joined
    host = headers.get("host")
    if host is None:
        if version == "HTTP/1.1":
            return Refused(400, "the header Host is missing")
    elif _HOST.fullmatch(host) is None:
        return Refused(400, "the header Host names no host")
    if target[0] != "/":
        found = _without_authority(method, target)
        if found is None:
            return Refused(400, "the target is neither a path nor a URL")
        headers["host"], target = found[0] or headers.get("host", ""), found[1]
    return Head(raw, method, target, version[5:], headers)


def _joined(fields: list[str]) -> dict[str, str] | Refused:
    """Headers of which one comes several times."""
    headers: dict[str, str] = {}
    for field in fields:
        written, _, padded = field.partition(":")
        name, value = written.lower(), padded.strip(" \t")
        if name not in headers:
            headers[name] = value
        elif name in _ONCE:
            return Refused(400, f"the header {name} comes twice")
        else:
            headers[name] += ("; " if name == "cookie" else ",") + value
    return headers


def _without_authority(method: str, target: str) -> tuple[str, str] | None:
    """Authority and rest of a target that is no path (RFC 9112, 3.2)."""
    if target[0] == "?":
        # Some programs leave the slash of ws://host?query out.
        return "", "/" + target
    if target == "*":
        return ("", target) if method == "OPTIONS" else None
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or _HOST.fullmatch(absolute[1]) is None:
        return None
    return absolute[1], absolute[2] if absolute[2].startswith("/") else "/" + absolute[2]


def path_of_line(data: bytes) -> str | None:
    """The path that the first request line in data asks for; None if there is no complete one, or a wrong one.

    For what must be known before the head is complete; it is the path that the head will have.
    """
    line = _FIRST.match(data, begin_of(data))
    if line is None:
        return None
    method, target, _ = line[0].decode("latin-1").split(" ")
    if target[0] != "/":
        found = _without_authority(method, target)
        if found is None:
            return None
        target = found[1]
    return path_of(target)


def path_of(target: str) -> str:
    """The path of a target, percent-decoded, without the query."""
    return unquote(target.partition("?")[0])


def _fault(raw: bytes) -> Refused:
    """Why this is no head."""
    if _NEVER.search(raw):
        return Refused(400, "a line must end with CRLF, and may hold no control characters")
    if not _FIRST.match(raw):
        return Refused(400, "a request line is a method, a target and HTTP/1.1, one space between")
    return Refused(400, "a header is a name, a colon and a value, on one line")


def body_length(head: Head) -> int | Refused | None:
    """Bytes of the body, None if it comes in chunks (RFC 9112, 6)."""
    coding, length = head.headers.get("transfer-encoding"), head.headers.get("content-length")
    if coding is not None:
        if length is not None:
            return Refused(400, "Content-Length beside Transfer-Encoding")
        if head.version == "1.0" or coding.lower() != "chunked":
            return Refused(400, "the only Transfer-Encoding taken is chunked, once, with HTTP/1.1")
        return None
    if length is None:
        return 0
    if not (length.isascii() and length.isdigit() and len(length) < 20):
        return Refused(400, "Content-Length is a number")
    return int(length)


def elements(header: str) -> list[str]:
    """The elements of a header that is a list (RFC 9110, 5.6.1)."""
    return [element for each in header.split(",") if (element := each.strip(" \t"))] if header else []


def words(headers: Mapping[str, str], name: str) -> list[str]:
    """The elements of a header in lower case, for those that are names."""
    return elements(headers.get(name, "").lower())


def is_forwarded(headers: Mapping[str, str]) -> bool:
    """Whether any header says that a proxy has passed this request on."""
    return any(name in _FORWARDED or name.startswith("x-forwarded-") for name in headers)


_FORWARDED = frozenset({"forwarded", "x-real-ip", "via"})
