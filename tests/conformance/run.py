"""Run the Autobahn test suite against `fws_server`, with its fast paths and without, and judge the reports.

    python -m tests.conformance.run            every case, about 15 minutes
    python -m tests.conformance.run --fast     sections 1 to 10, about a minute and a half
    python -m tests.conformance.run --check    only see whether the suite can be had

The suite (PyPI autobahntestsuite 0.8.2) is Python 2 code. Its interpreter is $PYTHON27, python2.7 on the PATH, or one
of pyenv's; everything it needs is installed into build/conformance. Its own exit code says nothing, so the reports are
counted: every case must be there, and be OK or INFORMATIONAL.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
BUILD = ROOT / "build" / "conformance"
SUITE = "autobahntestsuite==0.8.2"
FAST = tuple(f"{section}.*" for section in (1, 2, 3, 4, 5, 6, 7, 9, 10))
GROUPS = {"1-10": (FAST, 301), "12": (("12.*",), 90), "13": (("13.*",), 126)}
"""Cases that one process of the suite runs, and how many there are."""
GOOD = ("OK", "INFORMATIONAL")
# The largest cases send messages of 16 MiB, and echoes of those wait for a client slower than the server.
SERVER = ["-f", "tests.conformance.echo", "--host", "127.0.0.1", "-p", "0", "--compression"]
SERVER += ["--max_message_size", "32M", "--send_buffer", "64M", "--send_timeout", "60"]
MODULES = {"fast paths": "filtered_websocket", "Autobahn alone": "tests.conformance.autobahn_alone"}


def python2() -> str | None:
    """A Python 2.7 that runs."""
    candidates = [os.environ.get("PYTHON27", ""), shutil.which("python2.7") or ""]
    candidates += map(str, Path.home().glob(".pyenv/versions/2.7*/bin/python2.7"))
    for each in candidates:
        if each:
            # pyenv's shims are on the PATH whether they lead anywhere or not.
            tried = subprocess.run([each, "--version"], capture_output=True, text=True, check=False)
            if tried.returncode == 0 and " 2.7" in tried.stdout + tried.stderr:
                return each
    return None


def wstest(python: str) -> Path:
    """The suite's command, installed if it is not."""
    command = BUILD / "suite" / "bin" / "wstest"
    if not command.exists():
        shutil.rmtree(BUILD, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", BUILD / "venv"], check=True)
        # The last ones that make environments of Python 2.7.
        subprocess.run([BUILD / "venv/bin/pip", "install", "-q", "virtualenv<20.22"], check=True)
        subprocess.run([BUILD / "venv/bin/virtualenv", "-q", "-p", python, BUILD / "suite"], check=True)
        subprocess.run([BUILD / "suite/bin/pip", "install", "-q", SUITE], check=True, stderr=subprocess.DEVNULL)
    return command


@contextmanager
def serving(module: str) -> Iterator[str]:
    """A server of this module; its URL."""
    command = [sys.executable, "-m", module, *SERVER]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if found := re.search(r"listening on (\S+)", line):
                    break
            else:
                raise SystemExit("the server did not start")
            # It logs every violation, and must not wait for somebody to read of them.
            with ThreadPoolExecutor() as pool:
                pool.submit(process.stdout.read)
                try:
                    yield found.group(1)
                finally:
                    process.terminate()
        finally:
            process.terminate()


def run(command: Path, url: str, group: str) -> dict[str, dict[str, str]]:
    """Run one group; its cases."""
    cases, count = GROUPS[group]
    with tempfile.TemporaryDirectory() as folder:
        spec = {"outdir": folder, "servers": [{"agent": "fws", "url": url}], "cases": cases}
        spec |= {"exclude-cases": [], "exclude-agent-cases": {}}
        file = Path(folder) / "spec.json"
        file.write_text(json.dumps(spec))
        subprocess.run(
            [command, "-m", "fuzzingclient", "-s", file],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            check=True,
        )
        found = json.loads((Path(folder) / "index.json").read_text())["fws"]
    if len(found) != count:
        raise SystemExit(f"sections {group}: {len(found)} cases were run of {count}")
    return dict(found)


def judge(found: dict[str, dict[str, str]]) -> bool:
    """Print a line per section and per case that is not as it should be; whether all are good."""
    sections: dict[int, Counter[str]] = {}
    bad: dict[str, set[str]] = {}
    for name, case in found.items():
        verdicts = {case["behavior"], case["behaviorClose"]}
        worst = next((each for each in sorted(verdicts) if each not in GOOD), case["behavior"])
        sections.setdefault(int(name.partition(".")[0]), Counter())[worst] += 1
        if worst not in GOOD:
            bad[name] = verdicts
    for section, verdicts in sorted(sections.items()):
        print(f"  {section:>2}  {sum(verdicts.values()):>3} cases ", *(f"{n} {each}" for each, n in verdicts.items()))
    for name, verdicts in bad.items():
        print(f"  case {name}: {', '.join(sorted(verdicts))}")
    return not bad


def main() -> int:
    parser = argparse.ArgumentParser(description="the Autobahn test suite")
    parser.add_argument("--fast", action="store_true", help="sections 1 to 10")
    parser.add_argument("--check", action="store_true", help="see whether the suite can be had")
    given = parser.parse_args()
    python = python2()
    if python is None:
        print("no Python 2.7, which the test suite needs: name one in PYTHON27, or `pyenv install 2.7.18`")
        return 1
    try:
        command = wstest(python)
    except subprocess.CalledProcessError as error:
        print(f"the test suite cannot be installed: {error}")
        return 1
    if given.check:
        return 0
    good = True
    for title, module in MODULES.items():
        begin = time.monotonic()
        found: dict[str, dict[str, str]] = {}
        with serving(module) as url:
            found |= run(command, url, "1-10")
            if not given.fast:
                # Side by side: the suite is slower than the server.
                with ThreadPoolExecutor() as pool:
                    for each in pool.map(lambda group: run(command, url, group), ["12", "13"]):
                        found |= each
        print(f"{title}: {len(found)} cases in {time.monotonic() - begin:.0f} s")
        good = judge(found) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
