"""Secrets out of texts that are shown to people: a trace, the address of a request."""

import re

HIDDEN = "(hidden)"
_WORDS = (
    "token|secret|passw(?:or)?d|passphrase|pwd|pass|auth|authorization|credentials?|api_?key|access_?key|private_?key|"
    "signature|sig|session(?:_?id)?|sid|cookie|jwt|otp|pin|ticket"
)
_NAMED = rf"(?:[\w\-]*[_\-.])?(?:{_WORDS})|[a-z][a-zA-Z]*(?:Token|Secret|Password|Key|Auth|Signature|Ticket)"

# A member of a JSON object, also of one that is a text within another, whose quotes are escaped; or one cut off.
_MEMBER = re.compile(
    rf'(?i:(\\*"(?:{_NAMED})\\*"\s*:\s*))'
    r'(?:(\\*)"(?s:.*?)(?:(?<!\\)\2"|$)|\[[^\]]*(?:\]|$)|\{[^}]*(?:\}|$)|[^\s,"\]}\[{\\]+)'
)
_PARAMETER = re.compile(rf"(?i:((?:^|[?&;\s])(?:{_NAMED})=))[^&;\s\"']+")
_CREDENTIALS = re.compile(r"(?i:\b(bearer|basic|digest)\s+)[A-Za-z0-9._~+/\-]{6,}=*")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_\-]{5,}(?:\.[A-Za-z0-9_\-]*){0,4}")
"""A JSON Web Token, which begins with the base64 of `{"`, or the beginning of one."""


def without_secrets(text: str) -> str:
    """The text with what its name, or its form, shows to be a secret replaced.

    >>> without_secrets('{"token": "abc", "text": "hi"}')
    '{"token": "(hidden)", "text": "hi"}'
    >>> without_secrets("/chat?room=1&access_token=abc")
    '/chat?room=1&access_token=(hidden)'
    >>> without_secrets("Authorization: Bearer abcdefgh")
    'Authorization: Bearer (hidden)'
    """
    text = _MEMBER.sub(lambda found: f'{found[1]}{found[2] or ""}"{HIDDEN}{found[2] or ""}"', text)
    text = _PARAMETER.sub(rf"\g<1>{HIDDEN}", text)
    text = _CREDENTIALS.sub(rf"\g<1> {HIDDEN}", text)
    return _JWT.sub(HIDDEN, text)
