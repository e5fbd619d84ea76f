"""What a figure is worth nothing without: the machine, the versions, the state of the checkout."""

import datetime
import json
import os
import platform
import re
import resource
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path

import places
from measure import cores


def describe(rows: list[str], command: str, tmax: float, rounds: int, descriptors: int) -> dict[str, object]:
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": command,
        "tmax": tmax,
        "rounds": rounds,
        "rows": rows,
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "pinned": list(cores()),
        "kernel": platform.release(),
        "descriptors": descriptors,
        "versions": _versions(rows),
    }


class Others:
    """What else kept the machine busy since this was made, its host's other guests included."""

    def __init__(self) -> None:
        self._began, self._busy, self._own = time.monotonic(), _busy(), _own()

    def share(self) -> float:
        """In cores. What this process started counts as its own once it has ended."""
        others = (_busy() - self._busy) - (_own() - self._own)
        return round(max(0.0, others / (time.monotonic() - self._began)), 2)


def _busy() -> float:
    fields = [int(field) for field in Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]]
    idle, iowait = fields[3:5]
    return (sum(fields) - idle - iowait) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    uses = resource.getrusage(resource.RUSAGE_CHILDREN), resource.getrusage(resource.RUSAGE_SELF)
    return sum(use.ru_utime + use.ru_stime for use in uses)


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _versions(rows: Collection[str]) -> dict[str, str]:
    versions = {"Python": platform.python_version(), "gcc": _says("gcc", "-dumpfullversion")}
    versions |= _python_packages()
    versions["filtered_websocket"] = _says("git", "-C", str(places.ROOT), "describe", "--always", "--dirty")
    versions["Node"] = _says("node", "--version").lstrip("v")
    for name in json.loads((places.BENCH / "package.json").read_text())["dependencies"]:
        package = places.NODE / "node_modules" / name / "package.json"
        if package.exists():
            versions[name] = json.loads(package.read_text())["version"]
    versions |= _compiled(rows)
    return {name: version for name, version in versions.items() if version}


def _python_packages() -> dict[str, str]:
    """The peers' from their environment; Twisted and Autobahn are pinned there to what this project runs on."""
    listing = _says(str(places.PEERS_PYTHON), "-m", "pip", "list", "--format=json", "--disable-pip-version-check")
    wanted = {line.partition("==")[0].lower() for line in (places.BENCH / "requirements.txt").read_text().splitlines()}
    return {p["name"]: p["version"] for p in json.loads(listing or "[]") if p["name"].lower() in wanted}


def _compiled(rows: Collection[str]) -> dict[str, str]:
    """The compiled peers and their toolchains, of those that are measured."""
    found = {}
    if "gorilla" in rows:
        found["Go"] = _says("go", "env", "GOVERSION").removeprefix("go")
        found |= dict(
            re.findall(r"^\t\S+/(\w+/websocket|nbio) v(\S+)$", (places.GO / "go.mod").read_text(), re.MULTILINE)
        )
    if "tungstenite" in rows:
        found["Rust"] = _says("rustc", "--version").split(" ")[1]
        name = "tokio-tungstenite"
        (found[name],) = re.findall(rf'name = "{name}"\nversion = "(.*)"', (places.RUST / "Cargo.lock").read_text())
    return found


def _says(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def command_line() -> str:
    return " ".join([f"bench/{Path(sys.argv[0]).name}", *sys.argv[1:]])
