"""Filter modules: which filters and options a module brings, and what is said of one that cannot be imported."""

import importlib

import pytest

from filtered_websocket.chain.events import EVENTS
from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketMessageFilter
from filtered_websocket.pipeline.modules import brings_nothing, filters_of, load


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
