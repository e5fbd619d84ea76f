"""What tokens are signed with: secrets, one of them until a date, and public keys from a PEM file or a JWKS file.

Which key may check a token depends on the key, never on what the token says of itself: a secret checks HS256, HS384 and
HS512, a public key its own RS*, ES* or EdDSA.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from filtered_websocket.config import reading

DIGESTS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_RSA = ("RS256", "RS384", "RS512")
_EDWARDS = ("Ed25519", "Ed448")
SHORT_SECRET = 32
"""Bytes: what HS256 wants at least (RFC 7518, 3.2)."""


class PublicKey(NamedTuple):
    """A public key, the algorithms it may check, and its name in a JWKS."""

    key: Any
    algorithms: tuple[str, ...]
    name: str | None = None


class Secret:
    """A secret that signs, as `sign` does (RFC 2104). What is hashed before all that it signs is hashed once: half the
    cost of a token's signature."""

    def __init__(self, secret: str) -> None:
        self._begun = {algorithm: _begin(secret.encode(), digest) for algorithm, digest in DIGESTS.items()}

    def sign(self, data: bytes, algorithm: str) -> bytes:
        inner, outer = self._begun[algorithm]
        within, around = inner.copy(), outer.copy()
        within.update(data)
        around.update(within.digest())
        signature: bytes = around.digest()
        return signature


def _begin(secret: bytes, digest: str) -> tuple[Any, Any]:
    inner, outer = hashlib.new(digest), hashlib.new(digest)
    key = secret if len(secret) <= inner.block_size else hashlib.new(digest, secret).digest()
    padded = key.ljust(inner.block_size, b"\0")
    inner.update(bytes(each ^ 0x36 for each in padded))
    outer.update(bytes(each ^ 0x5C for each in padded))
    return inner, outer


class Keys:
    """All keys of one pipeline.

    :param secret: "" is a secret, too, unless there are public keys: it is Philote's default. None: there is none
    :param previous: the secret before, and when it ends in seconds since the epoch
    """

    def __init__(
        self,
        secret: str | None = "",
        previous: tuple[str, float] | None = None,
        public: Sequence[PublicKey] = (),
        now: Callable[[], float] = time.time,
    ) -> None:
        self._public, self._now = tuple(public), now
        self._secrets = [] if secret is None or (public and not secret) else [Secret(secret)]
        self._previous = None if previous is None else (Secret(previous[0]), previous[1])

    def signed(self, token: str, header: dict[str, Any], signature: bytes) -> bool:
        """Whether one of the keys has signed this.

        :param header: of the token, as it says
        """
        algorithm = header.get("alg")
        if not isinstance(algorithm, str):
            return False
        if algorithm in DIGESTS:
            return self.secret_signed(token.rpartition(".")[0].encode(), algorithm, signature)
        return any(self._verified(token, each, algorithm) for each in self._public if _may(each, header, algorithm))

    def secret_signed(self, signs: bytes, algorithm: str, signature: bytes) -> bool:
        """Whether one of the secrets has signed this by one of `DIGESTS`."""
        secrets = self._secrets
        if self._previous is not None and self._now() < self._previous[1]:
            secrets = [*secrets, self._previous[0]]
        fits = False
        for secret in secrets:
            # All of them, whichever fits: the time taken says nothing.
            if hmac.compare_digest(secret.sign(signs, algorithm), signature):
                fits = True
        return fits

    def _verified(self, token: str, public: PublicKey, algorithm: str) -> bool:
        try:
            jwt.decode_complete(token, public.key, algorithms=[algorithm], options=dict.fromkeys(CLAIMS, False))  # type: ignore[arg-type]
        except jwt.PyJWTError:
            return False
        return True


CLAIMS = ("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss", "verify_sub", "verify_jti")


def _may(public: PublicKey, header: dict[str, Any], algorithm: str) -> bool:
    name = header.get("kid")
    return algorithm in public.algorithms and (name is None or public.name is None or name == public.name)


def sign(data: bytes, secret: str, algorithm: str) -> bytes:
    """The signature of one of `DIGESTS` (RFC 7518, 3.2); PyJWT knows no empty secret, which is Philote's default."""
    return hmac.digest(secret.encode(), data, DIGESTS[algorithm])


def read_pem(path: str) -> tuple[PublicKey, ...]:
    """The public key, or that of the certificate, in a PEM file.

    :param path: of the file, or what it would hold

    :raises ValueError: a sentence that says why not
    """
    try:
        data = path.encode() if path.lstrip().startswith("-----BEGIN") else reading.read(path)
        key = load_pem_x509_certificate(data).public_key() if b"CERTIFICATE" in data else load_pem_public_key(data)
    except OSError as error:
        raise ValueError(f"a PEM file with a public key is wanted ({error.strerror})") from None
    except ValueError:
        raise ValueError("a PEM file with a public key is wanted") from None
    return (_public(key),)


def read_jwks(path: str) -> tuple[PublicKey, ...]:
    """The public keys of a JWKS file (RFC 7517) that sign; others in it are left out.

    :raises ValueError: a sentence that says why not
    """
    wanted = "a JWKS file with a public key is wanted"
    try:
        document = json.loads(reading.read(path))
        entries = document["keys"]
        keys = [_of_jwk(each) for each in entries if each.get("use", "sig") == "sig" and _signs(each)]
    except OSError as error:
        raise ValueError(f"{wanted} ({error.strerror})") from None
    except (ValueError, LookupError, TypeError, AttributeError, jwt.PyJWTError, RecursionError):
        raise ValueError(wanted) from None
    if not keys:
        raise ValueError(wanted)
    return tuple(keys)


_READERS = {
    "RSA": jwt.algorithms.RSAAlgorithm.from_jwk,
    "EC": jwt.algorithms.ECAlgorithm.from_jwk,
    "OKP": jwt.algorithms.OKPAlgorithm.from_jwk,
}


def _signs(entry: dict[str, Any]) -> bool:
    # Keys that agree on others, X25519, are OKP too (RFC 8037, 2).
    return entry["kty"] in _READERS and (entry["kty"] != "OKP" or entry["crv"] in _EDWARDS)


def _of_jwk(entry: dict[str, Any]) -> PublicKey:
    # Without "d" a private key put there by mistake is read as what may stand there, its public half.
    public = {name: value for name, value in entry.items() if name != "d"}
    key = _public(_READERS[entry["kty"]](public))
    algorithms = tuple(each for each in key.algorithms if each == entry.get("alg", each))
    return key._replace(algorithms=algorithms, name=entry.get("kid"))


def _public(key: Any) -> PublicKey:
    if isinstance(key, RSAPublicKey):
        if key.key_size < 2048:
            raise ValueError("an RSA key of at least 2048 bits is wanted")
        return PublicKey(key, _RSA)
    if isinstance(key, EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return PublicKey(key, (_CURVES[key.curve.name],))
    if isinstance(key, Ed25519PublicKey | Ed448PublicKey):
        return PublicKey(key, ("EdDSA",))
    raise ValueError("a public key is wanted that is RSA, EC on P-256, P-384 or P-521, Ed25519 or Ed448")


def read_date(value: Any) -> float:
    """Seconds since the epoch, from them or from a date as ISO 8601 has it, UTC unless it says otherwise.

    :raises ValueError: neither
    """
    wanted = "a date is wanted, such as 2030-01-31T12:00Z, or seconds since 1970"
    try:
        if isinstance(value, str) and not value.strip().isdigit():
            date = datetime.fromisoformat(value.strip())
            return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError
        return datetime.fromtimestamp(float(value), UTC).timestamp()
    except (ValueError, OverflowError, OSError):
        raise ValueError(wanted) from None
