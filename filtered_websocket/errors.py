"""The signals a filter may raise, what a client may not have, the one error of a wrong configuration. Imports nothing.

The three signals derive from BaseException: they are control flow, and a filter's own ``except Exception`` must not eat
a refusal. What each of them means to a client is told by one table, `chain.outcomes`.
"""


class StopChain(BaseException):
    """End this run of the chain quietly: no later filter runs, nothing is delivered, nobody is told."""


class Reject(BaseException):
    """Refuse a handshake, before the 101.

    :param status: the HTTP status, 400 to 599
    :param reason: one line of printable text, sent to the client as status text and body
    :param headers: pairs of ``(name, value)``, or a dict, sent with the refusal
    :param data: a JSON value for clients of Socket.IO, whose protocol has a place for it beside the reason
    """

    def __init__(
        self,
        status: int = 403,
        reason: str = "Forbidden",
        headers: tuple[tuple[str, str], ...] | list[tuple[str, str]] | dict[str, str] = (),
        data: object = None,
    ) -> None:
        super().__init__(status, reason)
        self.status, self.reason, self.data = status, reason, data
        self.headers = tuple(headers.items() if isinstance(headers, dict) else headers)


class Close(BaseException):
    """Close the connection with a code of RFC 6455, section 7.4, and a reason (cut at 123 bytes of UTF-8)."""

    def __init__(self, code: int = 1000, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code, self.reason = code, reason


class NotAllowed(ValueError):  # noqa: N818 -- as StorageAway
    """A client asked for more than it may have. A filter that awaits this and does not catch it closes it with 1008.

    :param reason: what is counted: the option that says how much it may have
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class ConfigError(Exception):
    """What is wrong with the options: one line of text for each fault, in ``faults``, escaped by `printable`."""

    def __init__(self, *faults: str) -> None:
        self.faults = tuple(printable(fault) for fault in faults)
        super().__init__(*self.faults)

    def __str__(self) -> str:
        return "\n".join(self.faults)


class UsageError(ConfigError):
    """The command line itself cannot be read: an unknown flag, a missing value."""


class StorageAway(Exception):  # noqa: N818 -- a state, told as an exception
    """The storage cannot be asked now. What was asked was not done, or it is unknown whether it was (the text says)."""


def printable(text: str, newlines: bool = False) -> str:
    """The text with everything escaped that could steer a terminal or begin a line of its own.

    >>> printable("a\\x1b[2Jb\\u009b")
    'a\\\\x1b[2Jb\\\\x9b'

    :param newlines: leave line ends and tabs as they are
    """
    if text.isprintable():
        return text
    kept = "\n\t" if newlines else ""
    return "".join(
        each if each.isprintable() or each in kept else each.encode("unicode_escape").decode("ascii") for each in text
    )
