import io
import json
import subprocess
import sys
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from filtered_websocket.commands import fws_token
from filtered_websocket.filters.philote.auth import check
from filtered_websocket.filters.shared.signing_keys import Keys
from tests.support.fws_server import STARTING
from tests.support.philote_tokens import SECRET, token

PHILOTE = "filtered_websocket.filters.philote"


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Runs the command: its exit code, and what it wrote to both outputs."""
    for name in ("SECRET", "FWS_PHILOTE_SECRET", "FWS_JWT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*arguments, stdin="", **environ):
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        try:
            fws_token.main(arguments)
            code = 0
        except SystemExit as ended:
            code = ended.code
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_a_token_is_made_and_taken(run):
    code, out, err = run(
        "make", "--read", "a", "b", "--write", "b", "--api", "--expires", "1h", FWS_PHILOTE_SECRET=SECRET
    )
    access = check(out.strip(), Keys(SECRET))
    assert (code, err) == (0, "")
    assert (access.read, access.write, access.api) == ({"a", "b"}, {"b"}, True)
    assert 3500 < access.expires - time.time() < 3700


def test_an_empty_secret_is_warned_of(run):
    code, out, err = run("make", "--read", "a")
    assert code == 0
    assert "the secret is empty" in err
    assert check(out.strip(), Keys("")).read == {"a"}


def test_a_good_token_is_shown(run):
    code, out, err = run("check", token({"read": ["a"], "other": 1}), SECRET=SECRET)
    assert (code, json.loads(out), err) == (0, {"read": ["a"], "other": 1}, "")


def test_a_token_may_come_from_standard_input(run):
    for arguments in (["check"], ["check", "-"]):
        assert run(*arguments, stdin=token({}) + "\n", SECRET=SECRET)[0] == 0


@pytest.mark.parametrize(
    ("claims", "secret", "says"),
    [({}, "another", "signature"), ({"exp": 1}, SECRET, "expired"), ({"read": "a"}, SECRET, "a list of texts")],
)
def test_a_bad_token_is_refused_with_the_reason(run, claims, secret, says):
    bad = token(claims, secret)
    code, out, err = run("check", bad, SECRET=SECRET)
    assert (code, out) == (1, "")
    assert err.startswith("fws_token: the token")
    assert says in err
    assert bad not in err
    assert SECRET not in err


def test_the_file_of_the_server_holds_the_secret(run, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"filters": [PHILOTE], "philote_secret": SECRET, "port": 1}))
    code, out, _ = run("-c", "config.json", "make")
    assert code == 0
    assert run("check", out.strip(), FWS_PHILOTE_SECRET=SECRET)[0] == 0


def test_one_pipeline_may_have_its_own(run, tmp_path):
    pipelines = {"/a": {"filters": [PHILOTE], "philote_secret": SECRET}, "/b": [PHILOTE]}
    (tmp_path / "config.json").write_text(json.dumps({"pipelines": pipelines}))
    code, _, err = run("-c", "config.json", "make")
    assert (code, err) == (1, "fws_token: say whose options count: --pipeline with one of '/a', '/b'\n")
    code, out, _ = run("-c", "config.json", "--pipeline", "/a", "make")
    assert code == 0
    assert check(out.strip(), Keys(SECRET))
    assert run("-c", "config.json", "--pipeline", "/b", "make")[2].startswith("fws_token: warning: the secret is empty")
    code, _, err = run("-c", "config.json", "--pipeline", "/c", "make")
    assert code == 1
    assert 'no entry "/c", but /a, /b' in err


def test_a_private_key_signs_and_its_public_key_checks(run, tmp_path):
    private = ec.generate_private_key(ec.SECP256R1())
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    (tmp_path / "private.pem").write_bytes(private.private_bytes(serialization.Encoding.PEM, form, plain))
    public = private.public_key()
    (tmp_path / "public.pem").write_bytes(
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    code, out, _ = run("make", "--read", "a", "--algorithm", "ES256", "--private_key", "private.pem")
    assert code == 0
    assert jwt.decode(out.strip(), public, ["ES256"])["read"] == ["a"]
    assert run("check", out.strip(), FWS_PHILOTE_PUBLIC_KEY="public.pem")[0] == 0
    edwards = ed25519.Ed25519PrivateKey.generate()
    (tmp_path / "edwards.pem").write_bytes(edwards.private_bytes(serialization.Encoding.PEM, form, plain))
    out = run("--for", "jwt_auth", "make", "--user", "ada", "--algorithm", "EdDSA", "--private_key", "edwards.pem")[1]
    assert jwt.decode(out.strip(), edwards.public_key(), ["EdDSA"]) == {"sub": "ada"}
    assert run("make", "--algorithm", "RS256", "--private_key", "private.pem")[0] == 1
    assert run("make", "--private_key", "private.pem")[0] == 1


def test_a_token_of_jwt_auth_says_what_the_server_asks_of_it(run):
    environ = {"FWS_JWT_SECRET": SECRET, "FWS_JWT_AUDIENCE": "chat", "FWS_JWT_ISSUER": "us"}
    asked = ["--for", "jwt_auth", "make", "--user", "ada", "--claims", '{"role": "admin"}', "--expires", "1h"]
    code, out, err = run(*asked, **environ)
    assert (code, err) == (0, "")
    code, out, _ = run("--for", "jwt_auth", "check", stdin=out)
    claims = json.loads(out)
    assert code == 0
    assert 3500 < claims.pop("exp") - time.time() < 3700
    assert claims == {"role": "admin", "sub": "ada", "aud": "chat", "iss": "us"}
    for claims, says in (({"sub": "ada"}, "audience"), ({"aud": "chat", "iss": "us"}, "sub"), ({"exp": 1}, "audience")):
        code, out, err = run("--for", "jwt_auth", "check", token(claims))
        assert (code, out) == (1, "")
        assert says in err


def test_a_token_of_jwt_auth_wants_a_secret(run):
    code, out, err = run("--for", "jwt_auth", "make", "--user", "ada")
    assert (code, out) == (1, "")
    assert err == "fws_token: a secret is wanted: FWS_JWT_SECRET, or jwt_secret in the file of -c\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["make", "--expires", "soon"],
        ["make", "--expires", "3600"],
        ["make", "--rea", "a"],
        ["make", "--user", "ada"],
        ["--for", "jwt_auth", "make", "--read", "a"],
        ["--for", "jwt_auth", "make", "--claims", "[]"],
        ["--for", "jwt_auth", "make", "--claims", "{"],
        ["--for", "nobody", "make"],
    ],
)
def test_bad_usage_is_2(run, arguments):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("usage: fws_token")


@pytest.mark.parametrize("content", ["{", '{"philote_secret": 5}'])
def test_a_wrong_configuration_is_1_with_one_line(run, tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    code, _, err = run("-c", "config.json", "make")
    assert code == 1
    assert err.startswith("fws_token: config.json")
    assert err.count("\n") == 1


def test_the_help_has_an_example_that_runs(tmp_path):
    program = [sys.executable, "-m", "filtered_websocket.commands.fws_token"]
    shown = subprocess.run([*program, "--help"], capture_output=True, text=True, check=True, timeout=STARTING).stdout
    example = shown.partition("examples:\n")[2]
    assert example.count("fws_token ") == 4
    script = example.replace("fws_token ", f"{' '.join(program)} ")
    done = subprocess.run(
        ["bash", "-e", "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path, timeout=STARTING
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert '"api": true' in done.stdout
    assert "fws_token = " in (Path(__file__).parents[2] / "pyproject.toml").read_text()
