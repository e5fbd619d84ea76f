"""Signatures: HMAC-SHA256 in lower-case hexadecimal, made and checked. Pushi's and Pusher's are both of this kind."""

import hashlib
import hmac


def sign(secret: str, message: str | bytes) -> str:
    """The signature of a message: 64 hexadecimal digits."""
    return hmac.new(_bytes(secret), _bytes(message), hashlib.sha256).hexdigest()


def equal(given: object, right: str) -> bool:
    """Whether a client gave the right secret or signature, in a time that tells nothing of where it differs.

    :param given: whatever the client sent; anything but a str is wrong (JSON's 123 and true are not "123")
    """
    if not isinstance(given, str):
        return False
    return hmac.compare_digest(_bytes(given), _bytes(right))


def signed(auth: object, key: str, secret: str, *messages: str) -> bool:
    """Whether ``auth`` is ``<key>:<signature>``, the signature being that of one of the messages.

    >>> signed("k:" + sign("s", "123.456:private-room"), "k", "s", "123.456:private-room")
    True
    """
    right = [equal(auth, f"{key}:{sign(secret, message)}") for message in messages]
    return any(right)


def _bytes(text: str | bytes) -> bytes:
    # Lone surrogates, which clients can send in JSON, sign nothing that a backend would have signed.
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
