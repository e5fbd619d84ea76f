"""Snippets in the pages of packs, run as they stand there but for the address."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEADLINE = 60


def blocks(page: str, kind: str) -> list[str]:
    """The blocks of one language in a page, such as ``docs/packs/wsps.md``."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)


def run_python(source: str, **environment: str) -> str:
    """What a program prints; it must end well."""
    command = [sys.executable, "-W", "error", "-c", source]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=DEADLINE, check=False, env={"PATH": "/usr/bin", **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_javascript(source: str, ends_with: str) -> str:
    """What a page's script logs, until a line has these words."""
    with subprocess.Popen(
        ["node", "--experimental-websocket", "-e", source], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if ends_with in line:
                break
        process.kill()
        _, errors = process.communicate(timeout=DEADLINE)
    assert any(ends_with in line for line in said), errors
    return "".join(said)
