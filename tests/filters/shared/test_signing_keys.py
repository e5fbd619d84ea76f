import json

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.philote.auth import Refused, check
from filtered_websocket.filters.shared.signing_keys import DIGESTS, Keys, Secret, read_date, read_jwks, read_pem, sign
from tests.support.philote_tokens import SECRET, token

CLAIMS = {"read": ["a"]}
RSA = rsa.generate_private_key(65537, 2048)
OTHER_RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED25519 = ed25519.Ed25519PrivateKey.generate()
EC384 = ec.generate_private_key(ec.SECP384R1())


def pem(path, private):
    public = private.public_key() if hasattr(private, "public_key") else private
    path.write_bytes(public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    return str(path)


def jwk(private, kid=None, **more):
    algorithm = jwt.algorithms.RSAAlgorithm if isinstance(private, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    named = {"kid": kid} if kid else {}
    return algorithm.to_jwk(private.public_key(), as_dict=True) | named | more


def jwks(path, *entries):
    path.write_text(json.dumps({"keys": entries}))
    return read_jwks(str(path))


def good(token_, keys):
    try:
        check(token_, keys)
    except Refused:
        return False
    return True


@pytest.mark.parametrize("secret", ["", "short", SECRET, "ä\n"])
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_secret_checks_what_it_has_signed(secret, algorithm):
    assert good(token(CLAIMS, secret, algorithm), Keys(secret))
    assert not good(token(CLAIMS, secret, algorithm), Keys(secret + "x"))


@given(
    st.text(max_size=20) | st.integers(60, 70).map("k".__mul__) | st.integers(125, 131).map("é".__mul__), st.binary()
)
def test_a_secret_signs_again_and_again_as_hmac_does(text, data):
    secret = Secret(text)
    for algorithm in DIGESTS:
        assert secret.sign(data, algorithm) == sign(data, text, algorithm)
        assert secret.sign(data, algorithm) == sign(data, text, algorithm)


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE", "", "hs256", "HS1", None, ["HS256"], {}, 5])
def test_no_other_algorithm_is_taken(algorithm):
    assert not good(token(CLAIMS, header={"alg": algorithm}), Keys(SECRET))
    unsigned = token(CLAIMS, header={"alg": algorithm}).rpartition(".")[0] + "."
    assert not good(unsigned, Keys(SECRET))
    assert not good(unsigned, Keys(""))


def test_a_token_of_another_algorithm_of_the_same_secret_is_another_signature():
    head, body, _ = token(CLAIMS, algorithm="HS256").split(".")
    _, _, signature = token(CLAIMS, algorithm="HS512").split(".")
    assert not good(f"{head}.{body}.{signature}", Keys(SECRET))


def test_rs_and_es_are_refused_where_there_is_no_public_key():
    assert not good(jwt.encode(CLAIMS, RSA, "RS256"), Keys(SECRET))
    assert not good(jwt.encode(CLAIMS, EC, "ES256"), Keys(SECRET))


def test_a_previous_secret_is_taken_until_its_date():
    now = [1000.0]
    keys = Keys("new", ("old", 2000.0), now=lambda: now[0])
    assert good(token(CLAIMS, "old"), keys)
    assert good(token(CLAIMS, "new"), keys)
    now[0] = 2000.0
    assert not good(token(CLAIMS, "old"), keys)
    assert good(token(CLAIMS, "new"), keys)


@pytest.mark.parametrize(
    ("private", "algorithm"),
    [(RSA, "RS256"), (RSA, "RS512"), (EC, "ES256"), (EC384, "ES384"), (ED25519, "EdDSA")],
)
def test_a_public_key_checks_what_its_private_key_has_signed(tmp_path, private, algorithm):
    keys = Keys("", public=read_pem(pem(tmp_path / "key.pem", private)))
    assert good(jwt.encode(CLAIMS, private, algorithm), keys)
    assert not good(jwt.encode(CLAIMS, OTHER_RSA, "RS256"), keys)
    assert good(jwt.encode(CLAIMS, private, algorithm), Keys("", public=read_pem((tmp_path / "key.pem").read_text())))


def test_a_public_key_is_nobodys_secret(tmp_path):
    """The confusion of RFC 8725, 2.1: HS256 with the bytes of the public key as its secret."""
    path = pem(tmp_path / "key.pem", RSA)
    text = (tmp_path / "key.pem").read_text()
    assert not good(token(CLAIMS, text), Keys("", public=read_pem(path)))


def test_an_empty_secret_counts_for_nothing_beside_a_public_key(tmp_path):
    public = read_pem(pem(tmp_path / "key.pem", RSA))
    assert not good(token(CLAIMS, ""), Keys("", public=public))
    assert good(token(CLAIMS, SECRET), Keys(SECRET, public=public))


def test_a_jwks_may_hold_several_keys_and_the_token_may_name_one(tmp_path):
    keys = Keys("", public=jwks(tmp_path / "jwks.json", jwk(RSA, "one"), jwk(EC, "two")))
    assert good(jwt.encode(CLAIMS, RSA, "RS256"), keys)
    assert good(jwt.encode(CLAIMS, EC, "ES256", {"kid": "two"}), keys)
    assert not good(jwt.encode(CLAIMS, EC, "ES256", {"kid": "one"}), keys)
    assert not good(jwt.encode(CLAIMS, EC, "ES256", {"kid": "three"}), keys)


def test_a_key_of_a_jwks_checks_only_the_algorithm_it_names(tmp_path):
    keys = Keys("", public=jwks(tmp_path / "jwks.json", jwk(RSA, alg="RS512")))
    assert good(jwt.encode(CLAIMS, RSA, "RS512"), keys)
    assert not good(jwt.encode(CLAIMS, RSA, "RS256"), keys)


def test_keys_of_a_jwks_that_do_not_sign_are_left_out(tmp_path):
    public = jwks(tmp_path / "jwks.json", jwk(RSA, use="enc"), {"kty": "oct", "k": "c2VjcmV0"}, jwk(EC))
    assert [key.algorithms for key in public] == [("ES256",)]


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"keys": []}', '{"keys": [5]}', '{"keys": [{"kty": "EC"}]}', '{"keys": 5}', "[" * 100_000],
    ids=lambda content: content[:20],
)
def test_a_file_that_is_no_jwks_is_refused(tmp_path, content):
    (tmp_path / "jwks.json").write_text(content)
    with pytest.raises(ValueError, match="a JWKS file with a public key is wanted"):
        read_jwks(str(tmp_path / "jwks.json"))


def test_a_file_that_is_no_public_key_is_refused(tmp_path):
    with pytest.raises(ValueError, match="No such file"):
        read_pem(str(tmp_path / "nothing.pem"))
    (tmp_path / "key.pem").write_text("nonsense")
    with pytest.raises(ValueError, match="a PEM file"):
        read_pem(str(tmp_path / "key.pem"))
    with pytest.raises(ValueError, match="at least 2048 bits"):
        read_pem(pem(tmp_path / "key.pem", rsa.generate_private_key(65537, 1024)))
    for odd in (x25519.X25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256K1())):
        with pytest.raises(ValueError, match="that is RSA, EC on"):
            read_pem(pem(tmp_path / "key.pem", odd))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2030-01-31", 1896048000.0),
        ("2030-01-31T00:00Z", 1896048000.0),
        ("2030-01-31T01:00+01:00", 1896048000.0),
        ("1896048000", 1896048000.0),
        (1896048000, 1896048000.0),
    ],
)
def test_dates_are_iso_or_seconds(value, seconds):
    assert read_date(value) == seconds


@pytest.mark.parametrize("value", ["", "soon", True, None, [], 1e400, 10**30, "9" * 30])
def test_what_is_no_date_is_refused(value):
    with pytest.raises(ValueError, match="a date is wanted"):
        read_date(value)
