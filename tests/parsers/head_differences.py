"""How the server reads requests and handshakes otherwise than h11 and wsproto."""

import re

from tests.parsers.differences import Difference
from tests.parsers.heads import LIMIT, REFUSED, Parted, Read

_CONTROLS = rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
_PATH_OR_URL = rb"(?:/|\?|(?:https?|wss?)://[^/?]|\*\Z)"
_GET = b"GET / HTTP/1.1\r\nHost: h\r\n"
_HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
_CHUNKED = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"


def _twice(name: bytes) -> bytes:
    return rb"\r\n(%b):.*\r\n%b:" % (name, name)


def _is_without_authority(parted: Parted) -> bool:
    """Ours has made a path of the target, and its authority the Host."""
    ours, theirs = parted.ours, parted.theirs
    if not (isinstance(ours, Read) and isinstance(theirs, Read)):
        return False
    found = re.fullmatch(r"(?:(?:https?|wss?)://([^/?]+))?((?:[/?].*)?)", theirs.target)
    if found is None or theirs.target.startswith("/"):
        return False
    host, rest = found.groups()
    headers = theirs.headers | ({"host": host} if host else {})
    if "host" not in headers:
        headers["host"] = ""
    return ours == theirs._replace(target=rest if rest.startswith("/") else f"/{rest}", headers=headers)


def _is_chunked_in_capitals(parted: Parted) -> bool:
    ours, theirs = parted.ours, parted.theirs
    if not (isinstance(ours, Read) and isinstance(theirs, Read) and "transfer-encoding" in ours.headers):
        return False
    coding = ours.headers["transfer-encoding"].lower()
    return theirs == ours._replace(headers=ours.headers | {"transfer-encoding": coding})


TABLE = (
    Difference(
        "a line that ends with LF alone is refused",
        "it ends a header to some programs and not to others, which smuggles one",
        "RFC 9112, 2.2: a recipient may take it",
        _GET[:-2] + b"\n\r\n",
        lambda parted: parted.stricter(parted.raw, rb"(?<!\r)\n"),
    ),
    Difference(
        "a folded line is refused",
        "obsolete; a header within a header to a parser that does not know it",
        "RFC 9112, 5.2: 400, or spaces in its place",
        _GET + b"X: a\r\n b\r\n\r\n",
        lambda parted: parted.stricter(parted.raw, rb"\r\n[ \t]"),
    ),
    Difference(
        "control characters are refused in values, trailers and extensions of chunks",
        "some programs take VT, FF or FS for the end of a line",
        "RFC 9110, 5.5: such values are invalid",
        _GET + b"X: a\x01\r\n\r\n",
        lambda parted: parted.stricter(parted.raw, _CONTROLS),
    ),
    Difference(
        "a lone CR is refused in extensions of chunks",
        "it ends a line to some programs",
        "RFC 9112, 2.2: a bare CR is invalid, or a space",
        _CHUNKED + b"1;\rx\r\na\r\n0\r\n\r\n",
        lambda parted: parted.stricter(parted.raw, rb"\r(?!\n)"),
    ),
    Difference(
        "a fragment in the target is refused",
        "the path would be another to each who reads it",
        "RFC 9112, 3.2: no target has one",
        b"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n",
        lambda parted: parted.stricter(parted.target, rb"#"),
    ),
    Difference(
        "a target is a path, a query, or a URL of HTTP or WebSocket; * for OPTIONS",
        "there is no proxy here, for which the other forms are",
        "RFC 9112, 3.2: 400 for an invalid one",
        b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n",
        lambda parted: parted.stricter(parted.target, rb"\A(?!%b)|\A\*\Z" % _PATH_OR_URL),
    ),
    Difference(
        "the authority of a target names a host",
        "it takes the place of Host, by which is decided",
        "RFC 9110, 4.2.1 and 4.2.4: no empty host, no user",
        b"GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n",
        lambda parted: parted.stricter(parted.target, rb"\A\w+://(?![^@:\[\]\\]*(?::\d*)?(?:[/?]|\Z))"),
    ),
    Difference(
        "the first method on a connection has 20 characters at most",
        "what begins so speaks no HTTP",
        "RFC 9112, 3: a method longer than any that is implemented may be refused",
        b"Y" * 21 + b" / HTTP/1.1\r\nHost: h\r\n\r\n",
        lambda parted: parted.stricter(parted.head, rb"\A[^ ]{21}"),
    ),
    Difference(
        "a URL as target becomes its path, and its authority Host; the slash before a query may be missing",
        "filters and endpoints see one form",
        "RFC 9112, 3.2.2",
        b"GET ws://h?q HTTP/1.1\r\nHost: other\r\n\r\n",
        _is_without_authority,
    ),
    Difference(
        "bytes above 0x7F are taken in a target",
        "clients send them, and a path of such bytes is nobody's",
        "RFC 9112, 3.2: a recipient may answer 400",
        "GET /é HTTP/1.1\r\nHost: h\r\n\r\n".encode(),
        lambda parted: parted.looser(parted.target, rb"[\x80-\xff]"),
    ),
    Difference(
        "HTTP/1.0 and HTTP/1.1 are taken alone",
        "no client sends another HTTP/1; HTTP/2 and later are other bytes",
        "RFC 9110, 2.5: a server may refuse (it should take a later 1.x)",
        b"GET / HTTP/1.2\r\nHost: h\r\n\r\n",
        lambda parted: parted.stricter(parted.head, rb"\A[^\r\n]* HTTP/(?!1\.[01]\r\n)"),
    ),
    Difference(
        "empty lines before a request are none",
        "old programs send one behind a body",
        "RFC 9112, 2.2: a server should ignore at least one",
        b"\r\n" + _GET + b"\r\n",
        lambda parted: parted.looser(parted.raw, rb"\A\r\n"),
    ),
    Difference(
        "a Host that names none is refused",
        "what pages of this host are is decided by it",
        "RFC 9112, 3.2: 400 for an invalid one",
        b"GET / HTTP/1.1\r\nHost: u@h\r\n\r\n",
        lambda parted: parted.stricter(
            parted.head,
            rb"\r\nHost:(?![ \t]*(?:\[[\w:.%]+\]|[^\x00-\x20\x7f/?#@\\\[\]:\r]*)(?::[0-9]*)?[ \t]*\r\n)",
        ),
    ),
    Difference(
        "headers that decide something and are no list stand there once",
        "two programs would decide by another one each",
        "RFC 9110, 5.3: a sender must not repeat them; 8.6: equal lengths may be refused",
        _GET + b"Origin: http://a\r\nOrigin: http://b\r\n\r\n",
        lambda parted: any(
            parted.stricter(parted.head, _twice(name))
            for name in (b"Content-Length", b"Origin", b"Sec-WebSocket-Key", b"Sec-WebSocket-Version")
        ),
    ),
    Difference(
        "a Content-Length that is a list of equal numbers is refused",
        "as above",
        "RFC 9110, 8.6: may be refused",
        _GET + b"Content-Length: 0, 0\r\n\r\n",
        lambda parted: parted.stricter(parted.head, rb"\r\nContent-Length:[^\r]*,"),
    ),
    Difference(
        "a body of two lengths is refused",
        "request smuggling",
        "RFC 9112, 6.1: may be refused",
        _CHUNKED[:-2] + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
        lambda parted: parted.stricter(
            parted.head,
            rb"\r\n(?:Content-Length:.*\r\nTransfer-Encoding|Transfer-Encoding:.*\r\nContent-Length):",
        ),
    ),
    Difference(
        "HTTP/1.0 has no chunks",
        "what came between may not have known them",
        "RFC 9112, 6.1: such a message is faulty",
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        lambda parted: parted.stricter(parted.head, rb"\A[^\r\n]* HTTP/1\.0\r\n.*Transfer-Encoding"),
    ),
    Difference(
        "Transfer-Encoding keeps its capitals",
        "headers are told as they came",
        "RFC 9112, 7: names of codings have no case",
        _CHUNKED.replace(b"chunked", b"Chunked") + b"0\r\n\r\n",
        _is_chunked_in_capitals,
    ),
    Difference(
        "there may be a space before a chunk's extension, and none without one",
        "the grammar",
        "RFC 9112, 7.1.1: BWS stands before the semicolon",
        _CHUNKED + b"1 ;x\r\na\r\n0\r\n\r\n",
        lambda parted: (
            parted.looser(parted.body, rb"[0-9A-Fa-f][ \t]+;")
            or parted.stricter(parted.body, rb"[0-9A-Fa-f][ \t]+\r\n")
        ),
    ),
    Difference(
        "a chunk's size has 16 digits at most",
        "64 bits",
        "RFC 9112, 7.1: recipients guard against large ones",
        _CHUNKED + b"00000000000000001\r\na\r\n0\r\n\r\n",
        lambda parted: parted.stricter(parted.body, rb"[0-9A-Fa-f]{17}"),
    ),
    Difference(
        "a head has a size and 128 headers at most, also when it comes at once",
        "the option max_handshake_size",
        "RFC 9110, 5.4",
        _GET + b"A: b\r\n" * 200 + b"\r\n",
        lambda parted: parted.stricter(parted.head, rb"\A.{%d}|\A(?:[^\n]*\n){130}" % (LIMIT + 1)),
    ),
    Difference(
        "a key is 16 bytes in base64",
        "it shows that the client means WebSocket",
        "RFC 6455, 4.2.1 (5)",
        _HANDSHAKE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"short") + b"\r\n",
        lambda parted: parted.stricter(parted.head, rb"\r\nSec-WebSocket-Key:(?![ \t]*[A-Za-z0-9+/]{22}==[ \t]*\r\n)"),
    ),
    Difference(
        "no subprotocol is offered twice",
        "",
        "RFC 6455, 4.1 (10): they must all be unique",
        _HANDSHAKE + b"Sec-WebSocket-Protocol: a, b, a\r\n\r\n",
        lambda parted: (
            parted.ours == REFUSED
            and isinstance(parted.theirs, Read)
            and len(set(parted.theirs.opens or ())) < len(parted.theirs.opens or ())
        ),
    ),
    Difference(
        "Connection and Upgrade are lists, over several lines too",
        "proxies add to them",
        "RFC 9110, 5.3, 7.6.1 and 7.8",
        _HANDSHAKE.replace(b"websocket", b"h2c, websocket") + b"\r\n",
        lambda parted: parted.looser(
            parted.head, rb"\r\nUpgrade:[^\r]*,|%b|%b" % (_twice(b"Connection"), _twice(b"Upgrade"))
        ),
    ),
    Difference(
        "bytes above 0x7F are text in all headers of a handshake",
        "one rule for all headers; what is chosen is what was offered",
        "RFC 9110, 5.5: obs-text",
        _HANDSHAKE + "Sec-WebSocket-Protocol: é\r\n\r\n".encode(),
        lambda parted: parted.looser(parted.head, rb"[\x80-\xff]"),
    ),
)
