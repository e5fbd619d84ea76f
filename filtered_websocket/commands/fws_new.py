"""The command `fws_new`: writes a filter, its test and a configuration, which run at once; and a package of it.

Exit codes: 0 written; 1 not, in one line, and nothing was; 2 bad usage.
"""

import argparse
import importlib.util
import keyword
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from filtered_websocket.commands import exits
from filtered_websocket.commands.exits import Ended
from filtered_websocket.errors import printable

PROG = "fws_new"
EPILOG = """\
example:
  fws_new my_chat          writes my_chat/my_chat.py, my_chat/test_my_chat.py and my_chat/config.json
  fws_new .                the same in this folder, under its name
  fws_new --package geo    a pyproject.toml too: once installed, fws_server --list-filters shows the module
"""

FILTER = '''"""What this server does with messages; its pipe is in config.json.

Start it with: fws_server -c config.json
"""

from filtered_websocket.errors import StopChain
from filtered_websocket.filters.base import (
    WebSocketConnectFilter,
    WebSocketMessageFilter,
)


class Welcome(WebSocketConnectFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        users = web_socket_instance.users
        web_socket_instance.sendMessage(f"welcome, you are {len(users)}")


class NoBlankLines(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        if not data.strip():
            raise StopChain  # no later filter sees it, and nobody is told


class CalmDown(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        if data.isupper():
            return data.capitalize()  # the next filter gets this instead
        return None  # the next filter gets what this one got
'''

TEST = '''"""Needs no port and no waiting. Run it with: pytest"""

from filtered_websocket.testing import Server

PIPE = ("{name}", "filtered_websocket.filters.broadcast_messages")


def test_every_client_is_welcomed():
    with Server(*PIPE) as server:
        a, b = server.connect(), server.connect()
        assert a.received() == ["welcome, you are 1"]
        assert b.received() == ["welcome, you are 2"]


def test_the_others_hear_what_is_said_but_no_shouting_and_no_blank_lines():
    with Server(*PIPE) as server:
        a, b = server.connect(), server.connect()
        b.received()
        for text in ("hello", " ", "I AM LOUD"):
            a.send(text)
        assert b.received() == ["hello", "I am loud"]
'''

CONFIG = """\
# cat message | {name}.NoBlankLines | {name}.CalmDown | broadcast_messages.BroadcastMessages
# All options: fws_server -h. What is wrong here: fws_server -c config.json --check
{{
    "port": 9000,
    "filters": [
        "{name}",
        "filtered_websocket.filters.broadcast_messages"
    ]
}}
"""


PROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "0.1.0"
description = "Filters for filtered_websocket"
requires-python = ">=3.11"
dependencies = ["filtered_websocket"]

[project.entry-points."filtered_websocket.filters"]
{name} = "{name}"

[tool.setuptools]
py-modules = ["{name}"]
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command and exit."""
    exits.run(PROG, lambda: _new(_parser().parse_args(argv)))


def _parser() -> exits.Parser:
    parser = exits.Parser(
        prog=PROG, description="Begins a server of your own: a filter module, its test and a configuration.",
        epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("--package", action="store_true", help="write a package too, which can be published on PyPI")
    parser.add_argument("name", metavar="NAME", help="of the new folder and its module; . for this folder")
    return parser


def _new(arguments: argparse.Namespace) -> None:
    folder = Path(arguments.name)
    here = folder.resolve() == Path.cwd()
    name = module_name(folder.resolve().name, here)
    files = {
        folder / f"{name}.py": FILTER,
        folder / f"test_{name}.py": TEST.format(name=name),
        folder / "config.json": CONFIG.format(name=name),
    }
    if arguments.package:
        files[folder / "pyproject.toml"] = PROJECT.format(name=name)
    for file in files:
        if file.exists():
            raise Ended(f"{file} is there already: nothing was written")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            with file.open("x") as new:
                new.write(text)
    except OSError as error:
        raise Ended(f"{error.filename}: {error.strerror}") from None
    into = "" if here else f"cd {shlex.quote(str(folder))} && "
    print(printable(f"{into}pytest\n{into}fws_server -c config.json", newlines=True))  # noqa: T201 - this is a command


def module_name(name: str, adapt: bool) -> str:
    """The name of the module.

    :param adapt: make a name of it that a module can have, as a folder's may be any
    :raises Ended: no module of ours can have it
    """
    if adapt:
        name = re.sub(r"\W", "_", name, flags=re.ASCII).lower()
    if not (name.isascii() and name.isidentifier()) or keyword.iskeyword(name):
        raise Ended(f"{name!r} is no name of a Python module: letters, digits and _ are wanted, no digit first")
    if name in sys.stdlib_module_names or _is_installed(name):
        raise Ended(f"there is a Python module {name} already, which would be found before or behind yours")
    return name


def _is_installed(name: str) -> bool:
    found = importlib.util.find_spec(name)
    # Without an origin it is but a folder of this name, perhaps the one that is meant.
    return found is not None and found.origin is not None


if __name__ == "__main__":
    main()
