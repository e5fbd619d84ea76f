"""Filter modules: which filters and options a module brings, and what is said of one that cannot be imported."""

import importlib
import itertools
import sys
from textwrap import dedent

import pytest

from filtered_websocket.chain.events import EVENTS
from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketMessageFilter
from filtered_websocket.pipeline.modules import brings_nothing, filters_of, load, modules_of, options_of

_numbers = itertools.count()

HEAD = "from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketMessageFilter\n"


class Files:
    """Modules in a directory of the Python path: ``pack__part`` is ``pack/part.py``.

    ``{p}`` in a source stands for a prefix that all their names have and no other test's.
    """

    def __init__(self, path):
        self.path, self.prefix = path, f"fws{next(_numbers)}_"

    def write(self, **sources):
        for name, source in sources.items():
            *packages, module = (self.prefix + name).split("__")
            directory = self.path.joinpath(*packages)
            directory.mkdir(exist_ok=True)
            file = directory / f"{'__init__' if module == 'init' else module}.py"
            file.write_text(HEAD + dedent(source).replace("{p}", self.prefix))
        importlib.invalidate_caches()
        return self

    def load(self, *names):
        for name in names:
            load(self.prefix + name)

    def filters(self, name, root=WebSocketMessageFilter):
        return [each.__name__ for each in filters_of(self.prefix + name, root)]

    def modules(self, name):
        return [each.removeprefix(self.prefix) for each in modules_of(self.prefix + name)]


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return Files(tmp_path)


def messages(*names):
    return "".join(f"class {name}(WebSocketMessageFilter): pass\n" for name in names)


def test_a_module_brings_its_filters_in_the_order_of_their_definition(files):
    files.write(one=messages("Zebra", "Ant") + "class Greet(WebSocketConnectFilter): pass\n").load("one")
    assert files.filters("one") == ["Zebra", "Ant"]
    assert files.filters("one", WebSocketConnectFilter) == ["Greet"]
    assert [files.filters("one", root) for root in EVENTS].count([]) == len(EVENTS) - 2


@pytest.mark.parametrize("order", [("shared", "a", "b"), ("a", "b", "shared"), ("b", "a"), ("b", "shared", "a")])
def test_a_module_brings_those_it_imports_first_whichever_was_imported_before(files, order):
    files.write(
        shared=messages("Shared"),
        a="import {p}shared\n" + messages("A"),
        b="from {p}shared import Shared\n" + messages("B"),
    ).load(*order)
    assert files.filters("a") == ["Shared", "A"]
    assert files.filters("b") == ["Shared", "B"]
    assert files.filters("shared") == ["Shared"]


def test_modules_that_import_one_another_bring_each_filter_once(files):
    files.write(
        a="import {p}b\n" + messages("A"),
        b="import {p}a, {p}c\n" + messages("B"),
        c="import {p}a\n" + messages("C"),
    ).load("a")
    assert files.filters("a") == ["C", "B", "A"]


def test_what_is_imported_twice_or_by_two_comes_once(files):
    files.write(
        base=messages("Base"),
        left="import {p}base\n" + messages("Left"),
        right="import {p}base\nfrom {p}base import Base\n" + messages("Right"),
        top="import {p}left\nimport {p}right as other\n",
    ).load("top")
    assert files.filters("top") == ["Base", "Left", "Right"]


def test_filters_come_also_by_way_of_a_module_that_defines_none(files):
    files.write(deep=messages("Deep"), middle="import {p}deep\n", top="import {p}middle\n" + messages("Top"))
    files.load("top")
    assert files.filters("top") == ["Deep", "Top"]
    assert files.modules("top") == ["deep", "top"]


def test_a_package_brings_the_submodules_it_imports_in_that_order(files):
    files.write(
        pack__init="from . import second, first\nfrom .third import Third\n" + messages("Own"),
        pack__first=messages("First"),
        pack__second="from {p}other import Other\n" + messages("Second"),
        pack__third=messages("Third"),
        pack__unused=messages("Unused"),
        other=messages("Other"),
    ).load("pack", "pack.unused")
    assert files.filters("pack") == ["Other", "Second", "First", "Third", "Own"]
    assert files.filters("pack.first") == ["First"]
    assert files.filters("pack.unused") == ["Unused"]


def test_a_package_that_imports_all_it_names_brings_all_it_names(files):
    files.write(
        pack__init="__all__ = ['b', 'a']\nfrom . import *\n", pack__a=messages("A"), pack__b=messages("B")
    ).load("pack")
    assert files.filters("pack") == ["B", "A"]


def test_a_submodule_reached_through_its_package_does_not_bring_the_package(files):
    files.write(
        pack__init=messages("Package"),
        pack__part=messages("Part"),
        one="from {p}pack import part\n",
        two="from {p}pack import Package\n",
        three="import {p}pack.part\n",
    ).load("one", "two", "three")
    assert files.filters("one") == ["Part"]
    assert files.filters("two") == ["Package"]
    assert files.filters("three") == ["Part"]


def test_imports_under_conditions_count_where_they_were_made_and_those_in_functions_do_not(files):
    files.write(
        a=messages("A"),
        b=messages("B"),
        c=messages("C"),
        d=messages("D"),
        top="""
            from typing import TYPE_CHECKING
            try:
                import {p}no_such_module
            except ImportError:
                import {p}a
            if TYPE_CHECKING:
                import {p}b
            else:
                import {p}d
            def later():
                import {p}c
            """,
    ).load("b", "c", "top")
    assert files.filters("top") == ["A", "D"]


def test_a_module_whose_source_is_away_brings_its_own(files):
    files.write(a=messages("A"), b="import {p}a\n" + messages("B")).load("b")
    (files.path / f"{files.prefix}b.py").unlink()
    assert files.filters("b") == ["B"]


def test_a_module_brings_every_filter_that_a_loop_defines(files):
    files.write(
        loop="""
            for banned in ("spam", "eggs"):
                class Ban(WebSocketMessageFilter):
                    word = banned
            """
    ).load("loop")
    assert [each.word for each in filters_of(f"{files.prefix}loop", WebSocketMessageFilter)] == ["spam", "eggs"]


def test_an_empty_module_brings_nothing(files):
    (files.path / f"{files.prefix}empty.py").write_text("")
    importlib.invalidate_caches()
    files.load("empty")
    assert [files.filters("empty", root) for root in EVENTS] == [[]] * len(EVENTS)
    assert files.modules("empty") == ["empty"]


def test_a_module_brings_nothing_if_it_has_no_part_in_any_chain_and_no_endpoint(files):
    own_chain = "from filtered_websocket.filters.base import FilterBase, FilterMeta"
    files.write(
        forgot="class Chat: pass",
        some=messages("A"),
        by_way="import {p}some",
        inside="def late():\n    import {p}some",
        root=f"{own_chain}\nclass Root(FilterBase, metaclass=FilterMeta): pass",
        extends="import {p}root as root\nclass Part(root.Root): pass",
        page="from filtered_websocket.web.base import Endpoint\nclass Page(Endpoint):\n    path = '/{p}'",
    )
    names = ("forgot", "some", "by_way", "inside", "root", "extends", "page")
    files.load(*names)
    assert [each for each in names if brings_nothing(files.prefix + each)] == ["forgot", "inside"]


def test_the_bundled_filters_bring_themselves():
    load("filtered_websocket.filters.broadcast_messages")
    brought = filters_of("filtered_websocket.filters.broadcast_messages", WebSocketMessageFilter)
    assert [each.__name__ for each in brought] == ["BroadcastMessages"]


def test_options_come_from_the_module_and_the_filter_modules_it_brings(files):
    files.write(
        helper="OPTIONS = ('not for a server',)\n",
        a="OPTIONS = ('one', 'two')\n" + messages("A"),
        b="import {p}a, {p}helper\nOPTIONS = ('two', 'three')\n" + messages("B"),
        only="OPTIONS = ('alone',)\n",
    ).load("b", "only")
    assert options_of(f"{files.prefix}b") == ("one", "two", "three")
    assert options_of(f"{files.prefix}only") == ("alone",)


# What cannot be imported.


def fault_of(name):
    with pytest.raises(ConfigError) as error:
        load(name)
    (fault,) = error.value.faults
    assert "\n" not in fault
    return fault


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("no_such_module_at_all", "no_such_module_at_all"),
        ("no_such_module_at_all.filters", "no_such_module_at_all"),
        ("filtered_websocket.filters.no_such", "filtered_websocket.filters.no_such"),
        ("json.decoder.no_such", "json.decoder.no_such"),
    ],
)
def test_a_missing_module_is_said_to_be_missing(name, missing):
    assert fault_of(name) == (
        f"filter module {name}: not found (no module {missing!r} on the Python path or in the current directory)"
    )


@pytest.mark.parametrize("name", ["", ".relative", "a..b", "with space"])
def test_what_is_no_modules_name_is_a_fault_of_one_line(name):
    assert fault_of(name).startswith(f"filter module {name}: ")


def test_a_module_that_raises_is_named_with_its_file_and_line_and_the_reason(files):
    files.write(raises="x = 1\nraise ValueError('two\\nlines of it')\n")
    name = f"{files.prefix}raises"
    assert fault_of(name) == (f"filter module {name}: ValueError: two lines of it ({files.path / name}.py, line 3)")


def test_the_line_is_the_users_where_a_library_raised(files):
    files.write(raises="import json\n\n\njson.loads('nonsense')\n")
    assert f"{files.prefix}raises.py, line 5)" in fault_of(f"{files.prefix}raises")


def test_the_line_is_that_of_the_module_which_raised_though_another_was_named(files):
    files.write(top="import {p}deep\n", deep="\ndef work():\n    1 / 0\nwork()\n")
    fault = fault_of(f"{files.prefix}top")
    assert fault.startswith(f"filter module {files.prefix}top: ZeroDivisionError: division by zero (")
    assert fault.endswith(f"{files.prefix}deep.py, line 4)")


def test_a_module_that_imports_what_is_missing_says_what_and_where(files):
    files.write(needs="import no_such_library\n")
    fault = fault_of(f"{files.prefix}needs")
    assert "ModuleNotFoundError: No module named 'no_such_library' (" in fault
    assert fault.endswith(f"{files.prefix}needs.py, line 2)")


def test_a_syntax_error_names_file_and_line(files):
    files.write(broken="\nclass (\n")
    assert f"SyntaxError: invalid syntax ({files.prefix}broken.py, line 3)" in fault_of(f"{files.prefix}broken")


def test_a_module_that_wants_to_exit_is_a_fault_like_any_other(files):
    files.write(exits="import sys\nsys.exit('not configured')\n")
    fault = fault_of(f"{files.prefix}exits")
    assert "SystemExit: not configured (" in fault
    assert fault.endswith(f"{files.prefix}exits.py, line 3)")


def test_a_modules_own_configuration_error_is_said_in_its_words(files):
    files.write(
        wants="from filtered_websocket import errors\nraise errors.ConfigError('my_secret: is wanted', 'and more')\n"
    )
    with pytest.raises(ConfigError) as error:
        files.load("wants")
    assert error.value.faults == ("my_secret: is wanted", "and more")
