"""Tokens made by hand, also such that no library makes."""

import base64
import hashlib
import hmac
import json

SECRET = "a secret of thirty-two bytes or so"
_DIGESTS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(claims, secret=SECRET, algorithm="HS256", header=None):
    """A JWT as RFC 7515 has it; `claims` may be bytes, `header` replaces the usual one."""
    head = {"alg": algorithm, "typ": "JWT"} if header is None else header
    parts = [json.dumps(head).encode(), claims if isinstance(claims, bytes) else json.dumps(claims).encode()]
    signs = ".".join(base64url(part) for part in parts)
    digest = _DIGESTS.get(algorithm, hashlib.sha256)
    return f"{signs}.{base64url(hmac.new(secret.encode(), signs.encode(), digest).digest())}"
