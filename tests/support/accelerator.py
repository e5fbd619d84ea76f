"""The C of `accelerator.c`, compiled from what lies in this checkout, whatever is installed."""

import importlib.util
import shlex
import shutil
import subprocess
import sysconfig
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import filtered_websocket
from tests.support.fws_server import STARTING

SOURCE = Path(filtered_websocket.__file__).parent / "messages" / "accelerator.c"
NAME = "_accelerator"
STRICT = ("-std=c11", "-O3", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror")


def compile_to(folder: Path, *flags: str) -> Path:
    """:returns: the library, made without a warning; where there is no compiler, or no header, the test is skipped"""
    compiler, headers = shutil.which("gcc") or shutil.which("cc"), sysconfig.get_path("include")
    if compiler is None or not Path(headers, "Python.h").exists():
        pytest.skip("no C compiler, or no Python.h: nothing is accelerated here")
    library = folder / (NAME + sysconfig.get_config_var("EXT_SUFFIX"))
    command = [compiler, *STRICT, *flags, f"-I{headers}", "-o", str(library), str(SOURCE)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=STARTING)
    assert ran.returncode == 0, f"{shlex.join(command)}\n{ran.stderr}"
    return library


@cache
def compiled() -> ModuleType:
    """The C, loaded."""
    with tempfile.TemporaryDirectory() as folder:
        spec = importlib.util.spec_from_file_location(NAME, compile_to(Path(folder)))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module
