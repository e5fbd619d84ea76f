"""What holds for all storage objects."""

import subprocess
import sys
from pathlib import Path

from tests.support.fws_server import STARTING


def test_importing_a_backend_does_not_install_the_reactor():
    names = ", ".join(f"filtered_websocket.storage_objects.{name}" for name in ("memory", "redis", "sqlite"))
    program = f"import sys, {names}; sys.exit('twisted.internet.reactor' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2], timeout=STARTING)
