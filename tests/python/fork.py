"""Forks a program from a process that has imported what it imports: python fork.py DESCRIPTOR SCRIPT [MODULE...].

Each message on the socket DESCRIPTOR is ``[arguments, environment]``, with the program's standard input and output; the
answer is a descriptor of its process. It ends with the other end of the socket.
"""

import ast
import importlib
import json
import os
import runpy
import socket
import sys
from contextlib import suppress
from pathlib import Path


def modules_of(script: str) -> list[str]:
    """What a script imports, wherever in it."""
    found: list[str] = []
    for node in ast.walk(ast.parse(Path(script).read_bytes())):
        if isinstance(node, ast.Import):
            found += [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
    return found


def forked(place: socket.socket) -> tuple[list[str], dict[str, str], list[int]] | None:
    """In each of the programs, what it was given; None in the process that they are forked from, at its end."""
    while True:
        message, given, _, _ = socket.recv_fds(place, 1 << 20, 2)
        if not message:
            return None
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        number = os.fork()
        if not number:
            place.close()
            return *json.loads(message), given
        process = os.pidfd_open(number)
        socket.send_fds(place, [b"."], [process])
        for each in (process, *given):
            os.close(each)


place, script = socket.socket(fileno=int(sys.argv[1])), sys.argv[2]
for name in (*modules_of(script), *sys.argv[3:]):
    with suppress(Exception):  # the script says so itself, if it wants it after all
        importlib.import_module(name)
if (began := forked(place)) is not None:
    arguments, environment, given = began
    for number, each in enumerate(given):
        os.dup2(each, number)
        os.close(each)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [script, *arguments]
    runpy.run_path(script, run_name="__main__")
