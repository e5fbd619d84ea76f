"""Texts are rewritten by regular expressions, as sed's ``s`` has it: ``s/PATTERN/REPLACEMENT/FLAGS``.

    fws_server -f filtered_websocket.filters.rewrite filtered_websocket.filters.broadcast_messages \\
        --rewrite 's/\\b(damn|hell)\\b/***/gi' 's/<[^>]*>//g'

Any character but a backslash may stand for ``/``. The flags: ``g``, all matches and not the first alone; ``i``, in
either case. In the replacement ``\\1`` is what the first group has matched, ``\\0`` all of it, ``\\n`` a new line and
``\\t`` a tab; anything else behind a backslash is itself. Google's RE2 does it: in linear time, whatever clients send.
"""

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

from filtered_websocket.config import Option, text
from filtered_websocket.errors import Close
from filtered_websocket.filters.base import Connection, WebSocketMessageFilter
from filtered_websocket.messages.message import came_binary

EXTRA = "filtered_websocket[rewrite]"
POLICY, TOO_LARGE = 1008, 1009
MOST = 10_000
"""Matches of a rule that are replaced in one message, which takes some 20 ms."""


class Rule(NamedTuple):
    """One ``s/PATTERN/REPLACEMENT/FLAGS``."""

    pattern: Any
    replacement: Callable[[Any], str]
    most: int


def read(written: str) -> Rule:
    """
    :raises ValueError: a sentence that says what is wanted
    """
    parts = re.fullmatch(r"s([^\\])((?:\\.|(?!\1)[^\\])*)\1((?:\\.|(?!\1)[^\\])*)\1([gi]*)", written, re.DOTALL)
    if parts is None:
        raise ValueError("rules such as s/PATTERN/REPLACEMENT/g are wanted")
    delimiter, pattern, replacement, flags = parts.groups()
    if not delimiter.isalnum():
        pattern = pattern.replace(f"\\{delimiter}", delimiter)
    try:
        library: Any = import_module("re2")
    except ImportError:
        raise ValueError(f"google-re2 is wanted: pip install '{EXTRA}'") from None
    options = library.Options()
    options.log_errors, options.case_sensitive = False, "i" not in flags
    try:
        compiled = library.compile(pattern, options)
        pieces = [_piece(*each) for each in re.findall(r"\\(.)|([^\\]+)", replacement, re.DOTALL)]
        groups = max((each for each in pieces if isinstance(each, int)), default=0)
        if groups > compiled.groups:
            raise ValueError(f"a pattern with {groups} groups is wanted, as the replacement names them")
    except library.error as error:
        reason = error.args[0] if error.args else ""
        reason = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"a pattern is wanted as RE2 takes it ({reason})") from None
    return Rule(compiled, _expansion(pieces), MOST + 1 if "g" in flags else 1)


def _piece(escaped: str, plain: str) -> str | int:
    """A part of a replacement: a text, or the number of a group."""
    if escaped.isascii() and escaped.isdigit():
        return int(escaped)
    return {"n": "\n", "t": "\t"}.get(escaped, escaped) or plain


def _expansion(pieces: list[str | int]) -> Callable[[Any], str]:
    # RE2's own takes what is not ASCII for Latin-1, and raises at some escapes when a message comes.
    def expand(match: Any) -> str:
        return "".join([each if isinstance(each, str) else match[each] or "" for each in pieces])

    return expand


def _rules(value: Any) -> tuple[Rule, ...]:
    # A text is one rule: there may be blanks in it.
    rules = [value] if isinstance(value, str) else value
    if not isinstance(rules, list | tuple):
        raise ValueError("rules such as s/PATTERN/REPLACEMENT/g are wanted, in JSON a list of texts")
    return tuple(each if isinstance(each, Rule) else read(text(each)) for each in rules)


REWRITE = Option(
    "rewrite", _rules, (), "s/PATTERN/REPLACEMENT/FLAGS, one after the other, on each text", many=True, scope="use"
)
ASKS = "messages"
OPTIONS = (REWRITE,)


class Rewrite(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance: Connection, data: bytes | bytearray | str) -> bytearray | None:
        if came_binary(data):
            return None
        before = result = data if isinstance(data, str) else data.decode()
        most = web_socket_instance.pipeline.options.max_message_size
        for rule in cls.options.rewrite:
            result, count = rule.pattern.subn(rule.replacement, result, rule.most)
            if count > MOST:
                raise Close(POLICY, f"more than {MOST} matches in a message")
            if len(result) > most:
                raise Close(TOO_LARGE, "the message is too large once it is rewritten")
        return None if result == before else bytearray(result.encode())
