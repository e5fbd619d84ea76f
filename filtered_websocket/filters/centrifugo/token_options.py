"""The options that say which keys sign tokens: of clients, and of subscriptions where these have keys of their own."""

import re
from typing import Any

from filtered_websocket.config.option import Option, Options
from filtered_websocket.config.parsers import text
from filtered_websocket.filters.shared import signing_keys
from filtered_websocket.filters.shared.signing_keys import SHORT_SECRET, Keys
from filtered_websocket.filters.shared.verifier import Verifier


def _pattern(value: Any) -> str:
    """The text of a regular expression. Raises ValueError."""
    pattern = text(value)
    try:
        re.compile(pattern, re.ASCII)
    except re.error as error:
        raise ValueError(f"a regular expression is wanted ({error})") from None
    return pattern


class TokenOptions:
    """Those of one kind of tokens.

    :param name: what their names begin with
    :param kind: in words
    :param without: what holds where none of the keys is given
    """

    def __init__(self, name: str, kind: str, without: str) -> None:
        self.name, self.secret = name, f"{name}_hmac_secret"
        self.options = (
            Option(
                self.secret, text, "", f"signs {kind} (HS256, HS384, HS512); empty: {without}",
                scope="pipeline", secret=True,
            ),
            Option(
                f"{name}_hmac_previous_secret", text, "",
                f"the secret before, whose {kind} are still taken, until the date beside it", scope="pipeline",
                secret=True,
            ),
            Option(
                f"{name}_hmac_previous_secret_until", signing_keys.read_date, None,
                f"when {name}_hmac_previous_secret ends: a date such as 2030-01-31T12:00Z, or seconds since 1970; "
                "without it, never", scope="pipeline",
            ),
            Option(
                f"{name}_public_key", lambda value: signing_keys.read_pem(text(value)), (),
                f"PEM of a public key or certificate, or its file: {kind} signed with RS*, ES* or EdDSA and its "
                "private key are taken", scope="pipeline",
            ),
            Option(
                f"{name}_jwks", lambda value: signing_keys.read_jwks(text(value)), (),
                "JWKS file of such public keys", scope="pipeline",
            ),
            Option(
                f"{name}_audience", text, "", f"the audience (aud) that {kind} have to name; empty: any",
                scope="pipeline",
            ),
            Option(
                f"{name}_issuer", text, "", f"the issuer (iss) that {kind} have to name; empty: any", scope="pipeline"
            ),
            Option(
                f"{name}_audience_regex", _pattern, "",
                f"regular expression that fits an audience (aud) of {kind}, in any place without ^ and $; empty: any",
                scope="pipeline",
            ),
            Option(
                f"{name}_issuer_regex", _pattern, "",
                f"regular expression that fits the issuer (iss) of {kind}, in any place without ^ and $; empty: any",
                scope="pipeline",
            ),
        )  # fmt: skip

    def given(self, options: Options) -> bool:
        """Whether there is any key."""
        return any(getattr(options, f"{self.name}_{each}") for each in ("hmac_secret", "public_key", "jwks"))

    def verifier(self, options: Options) -> Verifier:
        """What such tokens are checked with."""
        values = [getattr(options, each.name) for each in self.options]
        secret, previous, until, pem, jwks, audience, issuer, *patterns = values
        ends = float("inf") if until is None else until
        keys = Keys(secret or None, (previous, ends) if previous else None, (*pem, *jwks))
        return Verifier(keys, audience, issuer, *(re.compile(each, re.ASCII) if each else None for each in patterns))

    def guessable(self, options: Options) -> bool:
        """Whether the secret is so short that it can be guessed."""
        secret = getattr(options, self.secret)
        return bool(secret) and len(secret.encode()) < SHORT_SECRET


OF_CLIENTS = TokenOptions("centrifugo_token", "tokens", "none are taken that are so")
OF_SUBSCRIPTIONS = TokenOptions(
    "centrifugo_subscription_token", "subscription tokens", "the keys of other tokens sign these, too"
)
