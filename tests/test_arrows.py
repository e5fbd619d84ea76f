"""The house (docs/architecture.md): its rooms, and which may import which, read from every import statement there is.

A room is a folder or a file at the top of the package, and each folder below one. The rules:

1. A module imports from rooms of lower lines of `LAYERS`, or from its own; never across a line. Imports inside
   functions and under TYPE_CHECKING count as all others do.
2. There are no circles of modules.
3. Only commands import filters. A pack sees what `PACKS_MAY` names, what packs share, itself, and the packs it
   `STANDS_ON`; never another.
4. Storage objects take of the chains only what makes a call awaitable.
5. What stands in `PURE`, and the wire codecs of packs, works without Twisted.
6. No name that begins with an underscore is taken across folders.
7. At the top stand the rooms of `LAYERS` and nothing else; the package itself hands on the types of what filters get.
   A module of more than 250 lines gives its reason in `LONG`.
8. Tests mirror the package: tests/FOLDER/test_FILE.py for each module, or a reason in `TESTED_TOGETHER`.
"""

import ast
import importlib.util
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import filtered_websocket

PACKAGE = filtered_websocket.__name__
ROOT = Path(filtered_websocket.__file__).parent
TESTS = Path(__file__).parent

LAYERS = (
    "errors",
    "messages",
    "config chain",
    "transport limits monitoring",
    "storage_objects web",
    "pipeline",
    "connection",
    "server",
    "publisher testing",
    "filters",
    "commands",
    "__main__",
)

PACKS_MAY = (
    "errors", "messages", "config", "chain", "limits", "transport", "web.base", "web.request", "web.response",
    "storage_objects.base", "storage_objects.values", "filters.base", "filters.shared",
    "monitoring.secrets",
)  # fmt: skip

STANDS_ON = {"socketio": ("filters.engineio",), "ws_emit": ("filters.engineio", "filters.socketio")}
"""The packs that are built on others, and on which."""

PURE = (
    "errors", "messages", "config.option", "config.parsers", "limits.rates", "limits.pace", "limits.backlog",
    "limits.addresses", "limits.origins",
    "config.patterns",
)  # fmt: skip

LONG: dict[str, str] = {
    "filters.socketio.bus": "one form of messages, written once and read in all its generations",
    "filters.centrifugo.messages": "a class for each message of the protocol, and no line of behaviour",
    "filters.socketio.handlers": "one class, whose methods and their arguments are python-socketio's",
    "pipeline.hub": "what joins, leaves and publishes has one order, and one object that keeps it",
    "pipeline.pipeline": "an attribute for each thing that filters, packs and endpoints find on it",
    "storage_objects.base": "the interface: signatures, and what each promises",
    "storage_objects.memory": "a short method for each of the interface's",
    "storage_objects.sqlite.storage_object": "a short method for each of the interface's",
    "storage_objects.redis.cluster.partition": "the states of one partition, and every way from one to another",
    "storage_objects.redis.storage_object": "a short method for each of the interface's",
}
"""Modules of more than 250 lines: module -> why it is one noun all the same."""

TESTED_TOGETHER = {
    "__main__": "commands/fws_server/test___main__.py starts it as users do",
    **{
        f"chain.{name}": "types, which mypy checks"
        for name in (
            "admission",
            "channels",
            "counters",
            "interfaces",
            "request",
            "storage",
            "subscriber",
        )
    },
    **{
        f"filters.exec_pipe.{name}": "end_to_end/test_exec_pipe.py: they need programs, clients and the real reactor"
        for name in ("filters", "sessions")
    },
    "filters.http_callback.events": "names and tuples, which mypy checks",
    "filters.http_callback.filters": "end_to_end/test_http_callback.py: they need backends and clients",
    **{
        f"filters.{pack}.speech": "chain/test_speech.py asks those of all packs the same"
        for pack in ("centrifugo", "pusher", "pushi", "socketio", "ws_emit", "wsps")
    },
    "filters.centrifugo.stream_chains": "filters/test_composition.py: those of WebSockets, of streams too",
    "filters.presence.hearing": "filters/presence/test_room.py: late, cut off, missing something",
    "filters.presence.place": "four fields, which filters/presence/test_room.py fills",
    **{
        f"commands.fws_client.{name}": "fws_client/test___main__.py runs the program against a server of every pack"
        for name in (
            "acknowledgements",
            "arguments",
            "backoff",
            "opening",
            "output",
            "run",
            "protocols.channels",
            "protocols.packets",
            "protocols.philote",
            "protocols.pusher",
            "protocols.pushi",
            "protocols.ws_emit",
            "protocols.wsps",
        )
    },
    "commands.fws_server.assembly": "fws_server/test_service.py and test_preflight.py assemble servers",
    "commands.fws_server.parent": "a process of its own, which fws_server/test_workers.py starts",
    "commands.fws_server.private_redis": "fws_server/test_workers.py starts workers that need it",
    "commands.fws_server.reload": "end_to_end/test_reload.py and test_generations.py reload the real server",
    "commands.fws_server.stopping": "it ends the process, which end_to_end/test_stop.py looks at from outside",
    "commands.fws_server.worker": "a process of its own, which fws_server/test_workers.py starts",
    "commands.http": "commands/test_fws_publish.py and fws_top/test_scrape.py ask with it",
    "commands.terminal": "commands/test_exits.py shows what it escapes",
    "config.declarations": "three options, which config/test_sources.py gives",
    "connection.parts": "types, which mypy checks",
    "filters.base": "it hands on what chain/ has",
    "filters.centrifugo.carriers": "types, which mypy checks",
    "filters.centrifugo.api_messages": "fields alone, which filters/centrifugo/test_api.py and test_rest.py fill",
    "filters.centrifugo.chains": "filters/centrifugo/test_events.py runs each of them",
    "filters.centrifugo.client": "filters/centrifugo/test_session.py sends to it, test_events.py hands it to filters",
    "filters.centrifugo.origins": "filters/centrifugo/test_streaming.py comes with pages of other origins",
    "filters.centrifugo.streams": "filters/centrifugo/test_streaming.py reads them",
    "filters.centrifugo.commands": "what each does has its own file: filters/centrifugo/test_subscribing.py and others",
    "filters.socketio.events": "four roots, whose filters filters/socketio/test_chains.py resolves",
    "filters.socketio.interfaces": "types, which mypy checks",
    "filters.socketio.logged": "filters/socketio/test_returning.py orders, and end_to_end/test_socketio_recovery.py",
    **{
        f"filters.socketio.recovery.{name}": "filters/ws_emit/test_member.py and filters/socketio/test_returning.py"
        for name in ("claims", "kept", "kinds", "recovery", "standing")
    },
    "filters.socketio.recovery.copies": "socketio/recovery/test_records.py, with storage that is away, too",
    "filters.socketio.recovery.options": "options alone, which ws_emit/test_member.py gives",
    "filters.socketio.volatile": "filters/socketio/test_socket.py emits by it",
    "filters.ws_emit.logged": "filters/ws_emit/test_member.py orders while a client is away",
    "filters.ws_emit.namespace": "two maps, which filters/ws_emit/test_member.py fills and empties",
    **{
        f"filters.socketio.{name}": "filters/socketio/test_handlers.py runs applications that use it"
        for name in (
            "entering",
            "environ",
            "exceptions",
            "fitting",
            "namespace_class",
            "reach",
            "registered",
            "server_settings",
            "settling",
        )
    },
    "filters.socketio.moving": "filters/socketio/test_client.py upgrades on one node, test_handed_over.py to another",
    "filters.socketio.missed_order": "three fields, which filters/socketio/test_handed_over.py fills",
    "filters.socketio.reaching": "filters/socketio/test_socket.py reaches clients, test_handed_over.py on another node",
    "filters.socketio.local": "two fields, which filters/socketio/test_state.py fills and empties",
    "server.slices": "server/test_inspection.py looks through a long list in slices",
    "server.trace": "server/test_tracing.py asks for traces, and for too much of them",
    "server.options": "options alone, which config/ reads and docs/options.md lists",
    "filters.engineio.application": "signatures, which mypy checks",
    "filters.engineio.posting": "engineio/test_polling.py posts",
    "messages.encoding": "a type, which mypy checks",
    "messages.recovery": "the names of reasons, and a value",
    **{
        f"pipeline.{name}": "pipeline/test_recoveries.py: clients that come back need all of them"
        for name in ("answers", "catching_up", "following", "past", "positioned", "replay", "returning")
    },
    "limits.history_pool": "three values; storage_objects/test_conformance.py drops by them",
    "storage_objects.redis.command_connection": "redis/test_home.py greets Redises that were replaced, and a mute one",
    "storage_objects.redis.held": "redis/test_leases.py: nothing is held without a lease",
    "storage_objects.redis.interfaces": "types, which mypy checks",
    "storage_objects.redis.lease_scripts": "Lua, which redis/test_leases.py and test_conformance.py run in Redis",
    "storage_objects.redis.missed": "redis/test_leases.py: what was left while Redis was away is made good",
    "storage_objects.redis.pair": "redis/test_single.py loses one of both; cluster/test_faults.py loses many",
    "storage_objects.redis.parts": "redis/test_leases.py claims and redis/test_subscriptions.py subscribes in parts",
    "storage_objects.redis.cluster.copying": "commands/test_fws_copy.py copies",
    "storage_objects.redis.publishing": "test_publisher.py publishes",
    "storage_objects.redis.pool_scripts": "Lua, which test_history_scripts.py and test_conformance.py run in Redis",
    **{
        f"storage_objects.redis.cluster.{name}": "redis/cluster/test_faults.py, while masters die and slots move"
        for name in ("beat", "connection", "foreign_reads", "node", "refusals", "seat")
    },
    "storage_objects.redis.cluster.room": "a number, which redis/cluster/test_patient_queue.py shares out",
    "storage_objects.redis.cluster.interfaces": "types, which mypy checks",
    "storage_objects.redis.cluster.storage_object": "test_conformance.py runs it on clusters and on one Redis",
    "storage_objects.redis.shard": "redis/test_single.py runs one of a Redis of its own",
    "storage_objects.subscribers.base": "a face of the original's; end_to_end/test_storage.py derives from it",
    **{
        f"testing.{name}": "testing/test_socketio.py speaks over it, by WebSocket and by polling"
        for name in ("engineio", "http_request", "polling", "socketio_connection")
    },
    "testing.failures": "testing/test_server.py has filters that fail",
    "testing.pipelines": "testing/test_server.py gives it classes, modules and pipelines",
    "commands.steering": "commands/fws_admin/test___main__.py asks with it",
    "web.steering.schemas": "web/steering/test_openapi.py holds answers to them",
    "web.http_parts": "what the parts of a connection share: test_http_connection.py",
    "web.interfaces": "types, which mypy checks",
}
"""Modules without a file of tests of their own: where their tests are, and why there. Never a folder."""


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


@cache
def imported_names(module):
    """(module or package it comes from, name) of all that a module imports, wherever in it."""
    file, full = MODULES[module], module if module == PACKAGE else f"{PACKAGE}.{module}"
    package = full if file.name == "__init__.py" else full.rpartition(".")[0]
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = "." * node.level + (node.module or "")
            source = importlib.util.resolve_name(source, package) if node.level else source
            found += ((source, alias.name) for alias in node.names)
    return found


def imports(module):
    """Full names of all modules that a module imports: a name imported from a package is its module, if it is one."""
    for source, name in imported_names(module):
        yield f"{source}.{name}" if _short(f"{source}.{name}") in MODULES else source


def ours(module):
    return {_short(name) for name in imports(module) if name.partition(".")[0] == PACKAGE} - {module}


def layer(module):
    top = module.partition(".")[0]
    return next((number for number, line in enumerate(LAYERS) if top in line.split()), None)


def room(module):
    """The folder a module lies in, or the file at the top that it is."""
    if MODULES[module].name == "__init__.py" or "." not in module:
        return module
    return module.rpartition(".")[0]


def within(module, names):
    return any(module == name or module.startswith(f"{name}.") for name in names)


def pack(module):
    """The pack a module belongs to, None for others."""
    parts = module.split(".")
    is_pack = len(parts) > 1 and parts[0] == "filters" and MODULES.get(f"filters.{parts[1]}", ROOT).stem == "__init__"
    return parts[1] if is_pack and parts[1] != "shared" else None


@pytest.mark.parametrize("module", sorted(set(MODULES) - {PACKAGE}))
def test_a_module_imports_from_lower_layers_or_its_own_room(module):
    assert layer(module) is not None, f"{module} lies in no room of LAYERS: where does it belong?"
    top = module.partition(".")[0]
    above = {
        imported
        for imported in ours(module) - {PACKAGE}
        if layer(imported) >= layer(module) and imported.partition(".")[0] != top
    }
    assert not above, f"{module} imports what does not stand below it: {', '.join(sorted(above))}"


def test_there_are_no_circles():
    try:
        TopologicalSorter({module: ours(module) for module in MODULES}).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def rooms():
    """Each room -> the rooms it imports. A folder's `__init__` hands on, and has none of its own."""
    graph = {}
    for module in MODULES:
        if MODULES[module].name != "__init__.py" or module == PACKAGE:
            others = {room(imported) for imported in ours(module)} - {PACKAGE}
            graph.setdefault(room(module), set()).update(others - {room(module)})
    del graph[PACKAGE]
    return graph


def floors():
    """The rooms by floor: those of the first import no other room, each further one imports one of the floor below."""
    graph, found = rooms(), []
    height = {}

    def of(name, seen=()):
        assert name not in seen, f"rooms in a circle: {' -> '.join((*seen, name))}"
        if name not in height:
            height[name] = 1 + max((of(other, (*seen, name)) for other in graph.get(name, ())), default=0)
        return height[name]

    for name in graph:
        of(name)
    for floor in range(1, max(height.values()) + 1):
        found.append(sorted(name for name, its in height.items() if its == floor))
    return found


def test_the_house_has_ten_floors_at_most():
    house = floors()
    arrows = sum(len(others) for others in rooms().values())
    print(f"{sum(map(len, house))} rooms, {len(house)} floors, {arrows} arrows between rooms")
    for number, names in reversed(list(enumerate(house, 1))):
        print(f"{number:3}  {'  '.join(names)}")
    assert len(house) <= 10


def test_the_top_shows_the_rooms_and_nothing_else():
    top = {
        path.name.removesuffix(".py")
        for path in ROOT.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert top - {"__init__", "__main__"} == set(" ".join(LAYERS).split()) - {"__main__"}
    assert len(top - {"__init__", "__main__"}) <= 16


def test_a_long_module_gives_its_reason():
    lines = {module: len(file.read_text(encoding="utf-8").splitlines()) for module, file in MODULES.items()}
    assert {module for module, count in lines.items() if count > 250} == set(LONG)


def test_private_names_stay_in_their_folder():
    taken = [
        f"{module} takes {name} from {_short(source)}"
        for module in MODULES
        for source, name in imported_names(module)
        if source.partition(".")[0] == PACKAGE
        and name.startswith("_")
        and not name.startswith("__")
        and room(_short(source)) != room(module)
    ]
    assert not taken


def test_the_lowest_imports_nothing():
    assert list(imports("errors")) == []


def test_the_package_hands_on_what_filters_get_and_nothing_else():
    assert ours(PACKAGE) == {"chain.interfaces", "chain.request", "chain.storage", "messages.publication"}


def test_only_commands_import_filters():
    assert {
        (module, imported)
        for module in MODULES
        for imported in ours(module)
        if within(imported, ["filters"]) and not within(module, ["filters", "commands"])
    } == set()


@pytest.mark.parametrize("module", sorted(module for module in MODULES if pack(module)))
def test_a_pack_sees_interfaces_and_leaves_and_no_pack_that_it_does_not_stand_on(module):
    name = pack(module)
    may = (*PACKS_MAY, f"filters.{name}", *STANDS_ON.get(name, ()))
    foreign = {name for name in ours(module) - {PACKAGE} if not within(name, may)}
    assert not foreign, f"{module} imports {', '.join(sorted(foreign))}: what it needs hangs on what it is given"


def test_what_packs_share_knows_no_pack():
    for module in MODULES:
        if within(module, ["filters.shared"]):
            assert {name for name in ours(module) if not within(name, PACKS_MAY) and name != PACKAGE} == set(), module


def test_the_plain_filters_see_the_base_and_each_other_and_what_makes_options():
    for module in MODULES:
        if (
            module.startswith("filters.")
            and not pack(module)
            and module != "filters.base"
            and not within(module, ["filters.shared"])
        ):
            seen = {name for name in ours(module) if not name.startswith("filters.") or pack(name)}
            # Options, what the option `channels` says, rates, what a message is, and what packs make of it.
            assert all(
                within(name, ["errors", "config", "chain.speech", "limits.channel_rules", "limits.rates", "messages"])
                for name in seen
            ), module


def test_storage_objects_take_of_the_chains_only_what_makes_a_call_awaitable():
    for module in MODULES:
        if within(module, ["storage_objects"]):
            assert {name for name in ours(module) if within(name, ["chain"])} <= {"chain.deferreds"}, module


@pytest.mark.parametrize(
    "module",
    sorted(
        {name for name in MODULES if within(name, PURE)}
        | {name for name in MODULES if pack(name) and name.endswith((".wire", ".packets", ".payloads", "_codec"))}
    ),
)
def test_codecs_and_leaves_know_no_twisted(module):
    seen, pending = set(), [module]
    while pending:
        one = pending.pop()
        seen.add(one)
        outside = {name.partition(".")[0] for name in imports(one)} - {PACKAGE} - sys.stdlib_module_names
        assert not outside & {"twisted", "autobahn", "txredisapi", "zope"}, one
        pending += ours(one) - seen


def own_tests(module):
    """The file of tests that mirrors a module."""
    file = MODULES[module].relative_to(ROOT)
    return TESTS / file.parent / f"test_{file.name}"


def test_tests_mirror_the_package():
    alone = {module for module in MODULES if MODULES[module].stem != "__init__" and not own_tests(module).exists()}
    missing = alone - set(TESTED_TOGETHER)
    assert not missing, "; ".join(
        f"{module} has no {own_tests(module).relative_to(TESTS.parent)}" for module in sorted(missing)
    )
    needless = set(TESTED_TOGETHER) - alone
    assert not needless, f"have files of tests now, or are no modules: {', '.join(sorted(needless))}"
