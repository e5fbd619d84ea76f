"""The arrows between modules (docs/architecture.md), read from every import statement there is.

`RANKS` is the order, lowest first. The rules:

1. Every module stands in the table, by its own name or by its package's (``web.*``); its own name wins.
2. A module imports only what stands on a lower line, or a sibling: a module of its own family. A family is a pack, the
   plain filters, the storage objects, the pages of ``web``, the testing kit, the commands.
3. There are no circles, not inside a family either.
4. ``errors`` and the package's own ``__init__`` import nothing at all.
5. Imports inside functions and under TYPE_CHECKING count as all others do; the few that must point upwards stand in
   `UPWARDS`, each with its reason.
6. A pack sees what it is given and the nouns of `PACKS_MAY`: interfaces, and leaves that know nothing of a server.
7. The leaves in `PURE`, and the wire codecs of packs, work without Twisted.
"""

import ast
import importlib.util
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import filtered_websocket

PACKAGE = filtered_websocket.__name__
ROOT = Path(filtered_websocket.__file__).parent

RANKS = (
    # Leaves.
    "errors stopping printable frames transport publication parsers sources changes heartbeat "
    "signatures stopwatch messages.* paths rates addresses resolving storage_objects.done registry web.head " + PACKAGE,
    # What one leaf more is enough for.
    "websocket counters commands.manners options filters.base web.base storage_objects.base hub message listening "
    "tracebacks admission origins request web.body web.upgrade",
    # Options, from the command line up to what is declared with them.
    "command_line",
    "config",
    "tls handover",
    "limits logs private_redis watchdog presence webhooks.* filter_modules.* handshake backpressure consumer "
    "storage_objects.prefixed",
    "awaiting",
    "turns",
    # The families, and what a connection and a set of paths are made of.
    "filters.* storage_objects.* web.* banner protocol pipeline",
    # For programs that run no server, over Redis.
    "publisher throttled",
    # One server; what makes one; one process; many.
    "server",
    "preflight testing.*",
    "assembly",
    "reload",
    "service",
    "workers",
    "cli commands.*",
    "__main__",
)

UPWARDS = {
    # wrap() makes a full storage object of a user's own; whoever implements the interface need not know of it.
    ("storage_objects.base", "storage_objects.wrapped"),
    # Parts of a shard that name, for the type checker alone, the whole that made them.
    ("storage_objects.redis_leases", "storage_objects.redis_shard"),
    ("storage_objects.redis_subscriptions", "storage_objects.redis_shard"),
}

PACKS_MAY = {
    "errors", "config", "filters.base", "web.base", "storage_objects.base", "presence", "signatures", "webhooks",
    "publication", "message", "origins", "heartbeat", "counters", "rates", "addresses", "tracebacks",
    "listening", "tls",
    PACKAGE,
}  # fmt: skip

PURE = {
    "errors", "printable", "stopping", "frames", "rates", "addresses", "publication", "parsers", "sources", "options",
    "origins", "request", "signatures", "messages.deflate", "web.head", "web.body", "web.upgrade",
    PACKAGE,
}  # fmt: skip


def _modules():
    """Every module of the package: name without the package's -> file."""
    found = {}
    for file in sorted(ROOT.rglob("*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts) or PACKAGE] = file
    return found


MODULES = _modules()


def _short(name):
    return name.removeprefix(f"{PACKAGE}.")


def imports(module):
    """Full names of all that a module imports, wherever in it: names imported from a package are its modules, if so."""
    file, full = MODULES[module], module if module == PACKAGE else f"{PACKAGE}.{module}"
    package = full if file.name == "__init__.py" else full.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = "." * node.level + (node.module or "")
            source = importlib.util.resolve_name(source, package) if node.level else source
            for alias in node.names:
                name = f"{source}.{alias.name}"
                yield name if _short(name) in MODULES else source


def ours(module):
    return {_short(name) for name in imports(module) if name.partition(".")[0] == PACKAGE} - {module}


ARROWS = {(module, imported) for module in MODULES for imported in ours(module)}


def rank(module):
    """A module's line in the table."""
    lines = [line.split() for line in RANKS]
    package = f"{module.rpartition('.')[0].partition('.')[0] or module}.*"
    for name in (module, package):
        for number, line in enumerate(lines):
            if name in line:
                return number
    raise LookupError(f"{module} stands in no line of RANKS: where does it belong?")


def pack(module):
    """The pack a module belongs to, None for others."""
    parts = module.split(".")
    is_pack = len(parts) > 1 and parts[0] == "filters" and MODULES.get(f"filters.{parts[1]}", ROOT).stem == "__init__"
    return parts[1] if is_pack else None


def family(module):
    if pack(module):
        return f"filters.{pack(module)}"
    top, dot, _ = module.partition(".")
    return top if dot or f"{module}.*" in " ".join(RANKS) else module


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_its_place_and_imports_what_stands_below_or_beside_it(module):
    above = {
        imported
        for imported in ours(module)
        if (module, imported) not in UPWARDS and rank(imported) >= rank(module) and family(imported) != family(module)
    }
    assert not above, f"{module} imports what does not stand below it: {', '.join(sorted(above))}"


def test_every_arrow_that_points_upwards_is_still_needed():
    assert UPWARDS <= ARROWS


def test_every_name_in_the_table_is_a_module_or_a_package_and_stands_there_once():
    names = " ".join(RANKS).split()
    assert len(set(names)) == len(names)
    packages = {f"{module.partition('.')[0]}.*" for module in MODULES if "." in module}
    may_come = {"commands.*"}
    assert [name for name in names if name not in MODULES and name not in packages | may_come] == []


def test_there_are_no_circles():
    graph = {module: ours(module) - {to for of, to in UPWARDS if of == module} for module in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("module", ["errors", PACKAGE])
def test_the_lowest_import_nothing(module):
    assert list(imports(module)) == []


@pytest.mark.parametrize("module", sorted(module for module in MODULES if pack(module)))
def test_a_pack_sees_interfaces_and_leaves_and_no_other_pack(module):
    own = f"filters.{pack(module)}"
    foreign = {name for name in ours(module) - PACKS_MAY if name != own and not name.startswith(f"{own}.")}
    assert not foreign, f"{module} imports {', '.join(sorted(foreign))}: what it needs hangs on what it is given"


def test_the_plain_filters_see_only_the_base_and_each_other():
    for module in MODULES:
        if module.startswith("filters.") and not pack(module) and module != "filters.base":
            seen = {name for name in ours(module) if not name.startswith("filters.") or pack(name)}
            # What they print comes from clients.
            assert seen <= {"printable"}, module


def test_storage_objects_never_see_the_server():
    server = {module for module in MODULES if rank(module) >= rank("server")}
    server |= {"pipeline", "protocol", "hub", "handshake", "backpressure", "websocket", "filters.base"}
    for module in MODULES:
        if module.startswith("storage_objects"):
            assert ours(module) & server == set(), module


@pytest.mark.parametrize(
    "module", sorted(PURE | {module for module in MODULES if pack(module) and module.endswith(".wire")})
)
def test_codecs_and_leaves_know_no_twisted(module):
    seen, pending = set(), [module]
    while pending:
        one = pending.pop()
        seen.add(one)
        outside = {name.partition(".")[0] for name in imports(one)} - {PACKAGE} - sys.stdlib_module_names
        assert not outside & {"twisted", "autobahn", "txredisapi", "zope"}, one
        pending += ours(one) - seen
