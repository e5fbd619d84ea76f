"""Options, and what stands beside them, come from the modules that a filter module brings, and from their packages."""

import sys

import pytest

from filtered_websocket.pipeline.declared import checks_of, defaults_of, options_of
from filtered_websocket.pipeline.modules import load

MINE = "class Mine(WebSocketMessageFilter): pass\n"


def test_options_come_from_the_module_and_the_filter_modules_it_brings(files):
    files.write(
        helper="OPTIONS = ('not for a server',)\n",
        a="OPTIONS = ('one', 'two')\n" + MINE,
        b="import {p}a, {p}helper\nOPTIONS = ('two', 'three')\n" + MINE,
        only="OPTIONS = ('alone',)\n",
    ).load("b", "only")
    assert options_of(f"{files.prefix}b") == ("one", "two", "three")
    assert options_of(f"{files.prefix}only") == ("alone",)


@pytest.mark.parametrize(
    "imported", ["jwt_auth", "jwt_auth.filters", "presence.filters", "json_schema.filters", "exec_pipe.filters"]
)
def test_a_part_of_a_package_brings_what_the_package_declares(files, imported):
    package = f"filtered_websocket.filters.{imported.partition('.')[0]}"
    files.write(mine=f"import filtered_websocket.filters.{imported}\n" + MINE).load("mine")
    load(package)
    assert options_of(f"{files.prefix}mine") == options_of(package) == sys.modules[package].OPTIONS
    assert checks_of(f"{files.prefix}mine") == checks_of(package)
    assert checks_of(f"{files.prefix}mine", "NO_EFFECT") == checks_of(package, "NO_EFFECT")


def test_what_a_package_calls_options_may_be_anything_else(files):
    """Only a module that is named as a filter, or brought by one, is refused for it."""
    files.write(app="OPTIONS = {'debug': True}\nDEFAULTS = 5\n", mine="import {p}app\n" + MINE).load("mine")
    assert options_of(f"{files.prefix}mine") == ()
    assert defaults_of(f"{files.prefix}mine") == {}
