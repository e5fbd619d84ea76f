"""atheris on each parser: ``make fuzz TARGET=heads SECONDS=60``, all of them in turn without TARGET.

    python -m tests.fuzz [TARGET...] [--seconds N] [-- options of libFuzzer]

What an input means stands in its target (`targets/`). tests/fuzz/corpus/TARGET holds inputs that are kept, small and by
name, which the suite plays too; what a run adds goes to build/fuzz/TARGET, and what it finds to build/fuzz, in the
present folder. An input that has found a fault belongs into the corpus with the mend.
"""

import argparse
import importlib
import subprocess
import sys
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
BUILD = Path("build") / "fuzz"
OURS = "filtered_websocket"
TARGETS = {
    "byte_stream": (
        f"{OURS}.messages.frames",
        f"{OURS}.messages.partial_frame",
        f"{OURS}.messages.deflate",
        f"{OURS}.connection",
        "autobahn.websocket.protocol",
    ),
    "heads": (f"{OURS}.web", f"{OURS}.connection.handshake", f"{OURS}.connection.receiving", "h11"),
    "frames": (f"{OURS}.messages", f"{OURS}.connection", "wsproto"),
    "payloads": (f"{OURS}.filters.engineio", "engineio"),
    "packets": (f"{OURS}.filters.socketio", f"{OURS}.messages.strict_json", "socketio"),
    "tokens": (f"{OURS}.filters.shared", "joserfc", "jwt"),
    "centrifugo_frames": (f"{OURS}.filters.centrifugo",),
}
"""Each target, and the modules whose ways through atheris is to see."""


def run(name: str, options: list[str]) -> None:
    """Give a target inputs, and never come back."""
    # Here, for imports of this module where there is no atheris.
    import atheris

    with atheris.instrument_imports(include=list(TARGETS[name])):
        target = importlib.import_module(f"tests.fuzz.targets.{name}").Target()
    from twisted.logger import globalLogBeginner

    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)
    grows = BUILD / name
    grows.mkdir(parents=True, exist_ok=True)
    atheris.Setup([sys.argv[0], str(grows), str(CORPUS / name), f"-artifact_prefix={grows}-", *options], target)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("target", nargs="*", choices=[[], *TARGETS], help="all of them without one")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given, options = parser.parse_known_args()
    options = [f"-max_total_time={given.seconds}", "-max_len=600", "-timeout=20", *options]
    if given.here:
        run(given.target[0], options)
    failed = []
    for name in given.target or TARGETS:
        print(f"-- {name}: {given.seconds} s", flush=True)
        # A process each: libFuzzer ends the one it runs in.
        if subprocess.call([sys.executable, "-m", "tests.fuzz", name, "--here", "--seconds", str(given.seconds)]):
            failed.append(name)
    print(f"found something: {', '.join(failed)}; see {BUILD}" if failed else "nothing was found")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
