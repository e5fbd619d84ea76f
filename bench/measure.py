"""One measurement: a fresh server pinned to one core, the generator on another, and the generator's JSON line."""

import contextlib
import json
import os
import resource
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import places
import redis7
from rows import Row
from workloads import Workload

START_SECONDS = 30.0


class Failed(Exception):
    """This server cannot be measured in this workload; the text stands in the report."""


def cores() -> tuple[int, int]:
    """The server's and the generator's; the same one on a machine that has no second."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


def raise_descriptors() -> int:
    """Servers and generator inherit this process's limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def measure(row: Row, workload: Workload, tmax: float) -> dict[str, object]:
    entry: tuple[str, ...] | None = getattr(row, workload.entry) if workload.entry else ()
    if entry is None:
        raise Failed(f"has no {workload.entry}")
    port = free_port()
    with contextlib.ExitStack() as stack:
        pids = []
        redis_port = 0
        if "redis" in row.needs:
            redis_port = free_port()
            server = f"{places.redis_server()} --bind 127.0.0.1 --port {redis_port} --save '' --appendonly no"
            pids += stack.enter_context(running(server, redis_port, "redis"))
        elif masters := redis7.MASTERS.get(row.needs[0] if row.needs else ""):
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            ports = [free_port() for _ in range(masters)]
            for number in ports:
                command = redis7.command(number, free_port(), folder, masters > 1)
                stack.enter_context(running(command, number, f"redis7-{number}"))
            redis7.join(ports)
            redis_port = ports[0]
        command = (row.variants[workload.variant] if workload.variant else row.command).format(
            port=port,
            redis_port=redis_port,
            build=places.BUILD,
            certificate=places.CERTIFICATE,
            key=places.KEY,
            peers_python=places.PEERS_PYTHON,
            fws_server=places.fws_server(),
            centrifugo=places.CENTRIFUGO,
        )
        # It accepts before it is ready, and says 503 meanwhile.
        word = "listening on" if "{fws_server}" in row.command else ""
        pids += stack.enter_context(
            running(command, port, f"{row.name}-{workload.name}", dict(row.env + workload.env), word)
        )
        return _generate(port, pids if workload.programs else pids[:1], workload, entry, tmax)


def _generate(port: int, pids: list[int], workload: Workload, entry: tuple[str, ...], tmax: float) -> dict[str, object]:
    command = [*pinned(cores()[1]), str(places.WSLOAD), "--port", str(port), "--pid", ",".join(map(str, pids))]
    command += [*shlex.split(workload.arguments), *entry, "--tmax", str(tmax)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=tmax + 180, check=False)
    except subprocess.TimeoutExpired:
        raise Failed("the generator did not end") from None
    if done.returncode:
        raise Failed(done.stderr.strip().replace("\n", "; ")[:300] or f"the generator exited {done.returncode}")
    return json.loads(done.stdout)


@contextlib.contextmanager
def running(
    command: str, port: int, name: str, env: Mapping[str, str] = MappingProxyType({}), word: str = ""
) -> Iterator[list[int]]:
    """Starts a server, waits until it accepts and has said the word, gives its processes' ids, and ends them all."""
    log = places.LOGS / f"{name}.log"
    environment = os.environ | {"PYTHONPATH": str(places.ROOT), "NODE_PATH": str(places.NODE / "node_modules")} | env
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*pinned(cores()[0]), *shlex.split(command)],
            cwd=places.BENCH,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # so that a server's own workers are ended with it
        )
    try:
        _wait_until_it_accepts(process, port, log, word)
        yield _family(process.pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_it_accepts(process: subprocess.Popen[bytes], port: int, log: Path, word: str) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            if word in log.read_text(errors="replace"):
                return
        # Not a sleep: whichever comes first, its end or the next try.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.01)
            break
    last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["no output"]
    raise Failed(f"did not start: {last[0][:300]}")


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in _family(int(child)))]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pinned(core: int) -> list[str]:
    return ["taskset", "-c", str(core)]
