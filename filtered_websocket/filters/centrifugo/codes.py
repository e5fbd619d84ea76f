"""The codes of Centrifugo's protocol: errors in replies, disconnects, ends of subscriptions.

`Error` and `Disconnect` are signals as those of `errors`: filters of an application raise them, and its own ``except
Exception`` must not eat a refusal.
"""

from filtered_websocket.errors import Close
from filtered_websocket.messages.strict_json import loads


class Error(BaseException):
    """What a command is answered with in place of a result.

    :param code: 1 to 2^32 - 1; those of an application are 400 to 1999
    :param message: for developers
    :param temporary: whether the client may try the same again
    :param limit: the option that says how much it may have, which is counted
    """

    def __init__(self, code: int, message: str = "", temporary: bool = False, limit: str = "") -> None:
        known, is_temporary = _ERRORS.get(code, ("", False))
        self.code, self.message = code, message or known or f"error {code}"
        self.temporary, self.limit = temporary or is_temporary, limit
        super().__init__(self.code, self.message)


_ERRORS = {
    100: ("internal server error", True),
    101: ("unauthorized", False),
    102: ("unknown channel", False),
    103: ("permission denied", False),
    104: ("method not found", False),
    105: ("already subscribed", False),
    106: ("limit exceeded", False),
    107: ("bad request", False),
    108: ("not available", False),
    109: ("token expired", False),
    110: ("expired", False),
    111: ("too many requests", True),
    112: ("unrecoverable position", False),
    113: ("concurrent pagination", True),
}

INTERNAL, UNKNOWN_CHANNEL, PERMISSION_DENIED, METHOD_NOT_FOUND, ALREADY_SUBSCRIBED = 100, 102, 103, 104, 105
LIMIT_EXCEEDED, BAD_REQUEST, NOT_AVAILABLE, TOKEN_EXPIRED, EXPIRED, UNRECOVERABLE = 106, 107, 108, 109, 110, 112


class Disconnect(Close):
    """End the connection: `Close` with a code of the protocol's, whose reason is never empty.

    Clients connect again after 3000-3499 and 4000-4499, and do not after 3500-3999 and 4500-4999.

    :param code: 3000 to 4999; those of an application are 4000 to 4999
    :param limit: the option that says how much it may have, which is counted
    """

    def __init__(self, code: int, reason: str = "", limit: str = "") -> None:
        # JavaScript's client obeys a reason that is JSON, and comes again after a terminal code that has no reason.
        if not reason or _is_json(reason):
            reason = _DISCONNECTS.get(code, f"disconnect {code}")
        super().__init__(code, reason)
        self.limit = limit

    @property
    def reconnect(self) -> bool:
        """Whether clients come again."""
        return self.code < 3500 or 4000 <= self.code < 4500


def _is_json(text: str) -> bool:
    try:
        loads(text)
    except (ValueError, RecursionError):
        return False
    return True


_DISCONNECTS = {
    3000: "connection closed",
    3001: "shutdown",
    3004: "internal server error",
    3005: "connection expired",
    3006: "subscription expired",
    3008: "slow",
    3009: "write error",
    3010: "insufficient state",
    3011: "force reconnect",
    3012: "no pong",
    3013: "too many requests",
    3014: "state invalidated",
    3500: "invalid token",
    3501: "bad request",
    3502: "stale",
    3503: "force disconnect",
    3504: "connection limit",
    3505: "channel limit",
    3506: "inappropriate protocol",
    3507: "permission denied",
    3508: "not available",
    3509: "too many errors",
}

CLOSED, SHUTDOWN, FAILED, CONNECTION_EXPIRED, SUBSCRIPTION_EXPIRED = 3000, 3001, 3004, 3005, 3006
SLOW, INSUFFICIENT_STATE, NO_PONG, TOO_MANY_REQUESTS = 3008, 3010, 3012, 3013
INVALID_TOKEN, BAD_COMMAND, STALE, FORCED, CONNECTION_LIMIT, CHANNEL_LIMIT = 3500, 3501, 3502, 3503, 3504, 3505
INAPPROPRIATE, DENIED, NO_HANDLER = 3506, 3507, 3508

UNSUBSCRIBED = {2000: "server unsubscribe", 2500: "insufficient state", 2501: "subscription expired"}
"""Codes of the push that ends a subscription; clients subscribe again from 2500 on."""
BY_SERVER, BY_INSUFFICIENT_STATE, BY_EXPIRY = 2000, 2500, 2501
