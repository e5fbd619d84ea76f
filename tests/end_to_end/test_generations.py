"""A reload takes a generation of the user's own modules whole, or not at all; what is on disk is what runs."""

import _bz2
import os
import py_compile
import signal
import time
from pathlib import Path
from textwrap import dedent

import pytest

from tests.support.fws_server import FwsServer, Start, command
from tests.support.raw_client import DEADLINE, RawClient

HEAD = "from filtered_websocket.filters.base import *\nfrom filtered_websocket.filters.base import FilterMeta\n"
REPLY = """
class Reply(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        web_socket_instance.sendMessage(str(VALUE))
"""
PART = """
import root
class NAME(root.Root):
    @classmethod
    def filter(cls, me, data):
        return data + "TEXT"
"""
ROOT = "class Root(FilterBase, metaclass=FilterMeta):\n    pass\n"


def part(name: str, text: str) -> str:
    """A filter of a user's own chain."""
    return PART.replace("NAME", name).replace("TEXT", text)


AT_ONE_TIME = 1_600_000_000


class Site:
    """A folder of modules, and the server that runs them."""

    def __init__(self, start: Start, folder: Path) -> None:
        self._start, self.folder = start, folder
        self._times = {"reloaded": 0, "not reloaded": 0}

    def write(self, **sources: str) -> "Site":
        """Write modules: ``chat__echo`` is ``chat/echo.py``. All have one modification time, as some deploys set it."""
        for name, source in sources.items():
            file = self.folder / f"{name.replace('__', '/').replace('/init', '/__init__')}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(HEAD + dedent(source))
            os.utime(file, (AT_ONE_TIME, AT_ONE_TIME))
        return self

    def serve(self, *arguments: str, **environment: str) -> RawClient:
        # The tests run where no bytecode is written, perhaps; users do not.
        clean = {"PYTHONDONTWRITEBYTECODE": "", **environment}
        self.server: FwsServer = self._start(*arguments, environment=clean)
        self.client = self.server.open()
        return self.client

    def reload(self, says: str = "reloaded") -> str:
        """SIGHUP; the line of the log that answers."""
        self.server.signal(signal.SIGHUP)
        return self.wait(says)

    def wait(self, says: str = "reloaded") -> str:
        self._times[says] += 1
        line = rf".*?\b(?:info|error) +{says}[:,] ([^\n]*)\n"
        return self.server.wait_for(rf"(?s)(?>{line}){{{self._times[says]}}}").group(1)

    def says(self) -> str:
        self.client.send("?")
        return self.client.text()


@pytest.fixture
def site(fws_server: Start, tmp_path: Path) -> Site:
    return Site(fws_server, tmp_path)


PACKAGE = {
    "chat__init": "import chat.echo\n",
    "chat__echo": """
        import chat.helper
        class Echo(WebSocketMessageFilter):
            @classmethod
            def filter(cls, web_socket_instance, data):
                web_socket_instance.sendMessage(chat.helper.VALUE)
    """,
    "chat__helper": "VALUE = 'one'\n",
}


def test_a_package_that_imports_its_modules_by_full_name_works_after_a_reload_without_any_change(site: Site) -> None:
    site.write(**PACKAGE).serve("-f", "chat")
    assert site.says() == "one"
    assert site.reload() == "chat, chat.echo, chat.helper"
    assert site.says() == "one"


IMPORTS = {
    "a relative import": "from . import helper",
    "a relative name": "from .helper import VALUE",
    "from the package": "from chat import helper",
    "with another name": "import chat.helper as helper",
    "in the function": "import os",
}


@pytest.mark.parametrize("how", IMPORTS)
def test_what_a_filter_imports_is_taken_anew_however_it_is_imported(site: Site, how: str) -> None:
    value = "VALUE" if "VALUE" in IMPORTS[how] else "helper.VALUE"
    late = "from chat import helper" if how == "in the function" else "pass"
    site.write(
        chat__init="",
        chat__helper="from . import deep\nVALUE = deep.VALUE\n",
        chat__deep="VALUE = 'one'\n",
        chat__echo=f"""
            {IMPORTS[how]}
            class Echo(WebSocketMessageFilter):
                @classmethod
                def filter(cls, web_socket_instance, data):
                    {late}
                    web_socket_instance.sendMessage({value})
        """,
    ).serve("-f", "chat.echo")
    assert site.says() == "one"
    site.write(chat__deep="VALUE = 'two'\n")
    site.reload()
    assert site.says() == "two"


def test_modules_that_import_one_another_are_taken_together(site: Site) -> None:
    site.write(
        one="import two\nVALUE = 'first'\ndef both():\n    return VALUE + two.VALUE\n",
        two="import one\nVALUE = ' first'\n",
        filters="import one, two" + REPLY.replace("VALUE", "one.both()"),
    ).serve("-f", "filters")
    assert site.says() == "first first"
    site.write(one="import two\nVALUE = 'other'\ndef both():\n    return VALUE + two.VALUE\n")
    site.write(two="import one\nVALUE = ' other'\n")
    site.reload()
    assert site.says() == "other other"


def test_a_package_without_an_init_is_taken_anew(site: Site) -> None:
    site.write(
        space__inner__part="VALUE = 'one'\n",
        filters="import space.inner.part" + REPLY.replace("VALUE", "space.inner.part.VALUE"),
    ).serve("-f", "filters")
    assert site.says() == "one"
    site.write(space__inner__part="VALUE = 'two'\n")
    site.reload()
    assert site.says() == "two"


def test_a_plugin_that_is_imported_by_its_name_is_taken_anew(site: Site) -> None:
    site.write(
        plugins__init="",
        plugins__one="VALUE = 'one'\n",
        filters="import importlib, pkgutil, plugins\n"
        "found = [importlib.import_module(f'plugins.{each.name}') for each in pkgutil.iter_modules(plugins.__path__)]"
        + REPLY.replace("VALUE", "[each.VALUE for each in found]"),
    ).serve("-f", "filters")
    assert site.says() == "['one']"
    site.write(plugins__one="VALUE = 'new'\n", plugins__two="VALUE = 'two'\n")
    site.reload()
    assert site.says() == "['new', 'two']"


# What is on disk is what runs.


def test_two_saves_of_equal_length_and_time_run_the_second(site: Site) -> None:
    site.write(helper="VALUE = 'one'\n", filters="from helper import VALUE" + REPLY).serve("-f", "filters")
    for value in ("two", "six", "ten"):
        site.write(helper=f"VALUE = '{value}'\n")
        site.reload()
        assert site.says() == value


def test_a_start_too_runs_what_is_on_disk_and_no_bytecode_that_looks_as_fresh(site: Site) -> None:
    site.write(helper="VALUE = 'old'\n")
    py_compile.compile(str(site.folder / "helper.py"))
    assert list(site.folder.rglob("*.pyc"))
    site.write(helper="VALUE = 'new'\n", filters="from helper import VALUE" + REPLY).serve("-f", "filters")
    assert site.says() == "new"


def test_a_traceback_shows_the_lines_that_run(site: Site) -> None:
    site.write(filters="VALUE = ['one'][0]" + REPLY).serve("-f", "filters")
    assert site.says() == "one"
    for number in ("1", "2"):
        site.write(filters=f"VALUE = property(lambda: {number} / 0).fget" + REPLY.replace("VALUE", "VALUE()"))
        site.reload()
        client = site.server.open()
        client.send("?")
        assert client.closed()[0] == 1011
        site.server.wait_for(rf"lambda: {number} / 0")


# Or not at all.


STATE = """
    import json, sys
    OWN = ("filters", "lib", "helper", "fresh")
    class Tell(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            own = sorted(each for each in sys.modules if each.partition(".")[0] in OWN)
            import lib
            chains = [root._filters for root in (WebSocketMessageFilter, WebSocketConnectFilter, lib.Own)]
            mine = [each.__name__ for chain in chains for each in chain if each.__module__ in own]
            same = [sys.modules["helper"] is HELPER, sys.modules["lib.inner"] is lib.inner, lib.inner is INNER]
            web_socket_instance.sendMessage(json.dumps([own, mine, same, sorted(dir(lib)), lib.Own.run(None, "-")]))
    import helper, lib.inner
    HELPER, INNER = helper, lib.inner
    class Greet(WebSocketConnectFilter):
        filter = classmethod(lambda cls, web_socket_instance, data: None)
    class Part(lib.Own):
        @classmethod
        def filter(cls, instance, data):
            return data + "PART"
"""
BREAKS = {
    "a syntax error in a helper": {"helper": "def broken(\n"},
    "a helper that raises late": {"helper": "import fresh\n1 / 0\n", "fresh": ""},
    "a submodule of a package that stays": {
        "helper": "import lib.fresh\n1 / 0\n",
        "lib__fresh": "",
        "lib__inner": "#\n",
    },
    "a start filter": {
        "filters": STATE.replace("PART", "new")
        + "    class More(lib.Own):\n        pass\n    class Opens(WebSocketStartFilter):\n        @classmethod\n"
        "        def filter(cls, pipeline):\n            raise OSError('no database')\n"
    },
    "a module that exits": {"helper": "raise SystemExit(3)\n"},
}


@pytest.mark.parametrize("how", BREAKS)
def test_a_reload_that_fails_leaves_everything_as_it_was(site: Site, how: str) -> None:
    site.write(lib__init="class Own(FilterBase, metaclass=FilterMeta):\n    pass\n", lib__inner="", helper="")
    site.write(filters=STATE).serve("-f", "filters", "--reload_keep", "lib.inner", "lib")
    before = site.says()
    site.write(**BREAKS[how])
    site.reload("not reloaded")
    assert site.says() == before
    assert before.endswith('"-PART"]')
    # And what was broken is no obstacle to the next.
    site.write(helper="", filters=STATE.replace("PART", "next"))
    site.reload()
    assert site.says().endswith('"-next"]')


def test_a_module_that_is_gone_from_the_disk_refuses_the_reload_if_it_is_needed_and_is_forgotten_if_not(
    site: Site,
) -> None:
    site.write(helper="VALUE = 'one'\n", filters="from helper import VALUE" + REPLY).serve("-f", "filters")
    (site.folder / "helper.py").unlink()
    assert "No module named 'helper'" in site.reload("not reloaded")
    assert site.says() == "one"
    site.write(filters="import sys\nVALUE = 'helper' in sys.modules" + REPLY)
    site.reload()
    assert site.says() == "False"


def test_a_module_that_only_a_function_imports_is_part_of_the_whole(site: Site) -> None:
    late = "def value():\n    import helper\n    return helper.VALUE\n"
    site.write(helper="VALUE = 'one'\n", filters=late + REPLY.replace("VALUE", "value()")).serve("-f", "filters")
    assert site.says() == "one"
    site.write(helper="VALUE = (\n")
    assert "SyntaxError" in site.reload("not reloaded")
    assert site.says() == "one"
    (site.folder / "helper.py").unlink()
    assert "module helper: not found, and filters imports it" in site.reload("not reloaded")
    assert site.says() == "one"
    site.write(helper="VALUE = 'two'\n")
    site.reload()
    assert site.says() == "two"


# A user's own chain.


def test_a_users_own_chain_has_the_filters_of_this_generation_alone(site: Site) -> None:
    site.write(
        root=ROOT,
        parts=part("A", "A") + part("B", "B"),
        filters="import root, parts" + REPLY.replace("VALUE", "root.Root.run(None, '')"),
    ).serve("-f", "filters")
    assert site.says() == "AB"
    site.write(parts=part("B", "B"))
    site.reload()
    assert site.says() == "B"


def test_a_users_own_chain_of_a_module_that_stays_keeps_no_filters_that_are_gone_and_their_order(site: Site) -> None:
    site.write(
        root=ROOT,
        first=part("A", "a") + part("B", "b"),
        kept=part("K", "k"),
        filters="import root, first, kept" + REPLY.replace("VALUE", "root.Root.run(None, '')"),
    ).serve("-f", "filters", "--reload_keep", "root", "kept")
    assert site.says() == "abk"
    site.write(first=part("B", "x") + part("C", "c"))
    site.reload()
    assert site.says() == "xkc"


def test_chains_that_are_awaited_end_as_they_began(site: Site) -> None:
    source = """
        import root
        from twisted.internet.defer import Deferred
        import helper
        class Mine(root.Root):
            @classmethod
            def filter(cls, me, data):
                return data + helper.VALUE
        class Reply(WebSocketMessageFilter):
            @classmethod
            async def filter(cls, connection, data):
                if data == b"wait":
                    connection.pipeline.gate = Deferred()
                    await connection.pipeline.gate
                elif data == b"open":
                    connection.pipeline.gate.callback(None)
                connection.sendMessage(root.Root.run(None, "") + helper.VALUE)
    """
    site.write(root=ROOT, helper="VALUE = 'old'\n")
    site.write(filters=source).serve("-f", "filters")
    site.client.send("wait")
    other = site.server.open()
    other.send("?")
    assert other.text() == "oldold"
    site.write(helper="VALUE = 'new'\n")
    site.reload()
    other.send("open")
    assert other.text() == "newnew"
    assert site.client.text() == "oldold"


# What stays.


def test_a_module_that_stays_keeps_its_globals_and_hangs_on_its_new_package(site: Site) -> None:
    site.write(
        chat__init="import chat.state\nFIRST = chat.state.COUNT[0]\n",
        chat__state="COUNT = [0]\n",
        chat__echo="import chat.state\nchat.state.COUNT[0] += 1\nVALUE = 0"
        + REPLY.replace("VALUE", "chat.state.COUNT"),
    ).serve("-f", "chat.echo", "--reload_keep", "chat.state")
    assert site.says() == "[1]"
    assert site.reload() == "chat, chat.echo"
    assert site.says() == "[2]"
    site.write(chat__state="COUNT = [7]\n")
    site.reload()
    assert site.says() == "[3]"
    site.server.wait_for("the module chat.state has changed, which takes a restart")


def test_which_modules_stay_is_taken_from_the_newer_configuration(site: Site) -> None:
    config = site.folder / "fws.json"
    config.write_text('{"filters": ["filters"]}')
    site.write(state="import itertools\nNUMBERS = itertools.count()\n")
    site.write(filters="import state" + REPLY.replace("VALUE", "next(state.NUMBERS)")).serve("-c", "fws.json")
    assert [site.says(), site.says()] == ["0", "1"]
    site.reload()
    assert site.says() == "0"
    config.write_text('{"filters": ["filters"], "reload_keep": ["state"]}')
    site.reload()
    assert site.says() == "1"


def test_a_module_that_shall_stay_and_is_not_there_is_warned_of(site: Site) -> None:
    site.write(chat__init="", chat__late="", filters="import chat\nVALUE = 0" + REPLY)
    names = ("chat", "chat.late", "json", "chat.databse", "no_such", "no_such.module")
    site.serve("-f", "filters", "--reload_keep", *names)
    for name in names[3:]:
        site.server.wait_for(f"reload_keep has no effect on {name}: there is no such module")
    assert site.server.log.count("no effect") == 3
    checked = command("-f", "filters", "--check", "--reload_keep", "chat/late.py", cwd=site.folder)
    assert (checked.returncode, checked.stderr) == (
        1,
        "fws_server: --reload_keep: names of modules are wanted, such as chat.database\n",
    )


def test_an_installed_module_stays_wherever_its_environment_is(site: Site) -> None:
    installed = site.folder / "somewhere" / "lib" / "site-packages"
    installed.mkdir(parents=True)
    (installed / "library.py").write_text("COUNT = [0]\n")
    site.write(filters="import library\nlibrary.COUNT[0] += 1\n" + REPLY.replace("VALUE", "library.COUNT[0]"))
    site.serve("-f", "filters", PYTHONPATH=str(installed))
    assert site.says() == "1"
    assert site.reload() == "filters"
    assert site.says() == "2"


def test_an_extension_module_stays_since_a_process_loads_it_once(site: Site) -> None:
    # One of Python's own, under a name of the user's.
    found = Path(_bz2.__file__)
    (site.folder / "mine").mkdir()
    (site.folder / "mine" / found.name).write_bytes(found.read_bytes())
    site.write(mine__init="", filters="import mine._bz2\n" + REPLY.replace("VALUE", "id(mine._bz2.BZ2Compressor)"))
    site.serve("-f", "filters")
    before = site.says()
    assert site.reload() == "filters, mine"
    assert site.says() == before


def test_a_storage_object_of_the_users_own_stays_with_what_only_it_imports(site: Site) -> None:
    site.write(
        my_storage="""
            import only_storage
            from filtered_websocket.storage_objects.memory import StorageObject as Memory
            class StorageObject(Memory):
                def count(self):
                    import only_storage as again
                    assert again is only_storage
                    only_storage.COUNT[0] += 1
                    return only_storage.COUNT[0]
        """,
        only_storage="COUNT = [0]\n",
        filters="import my_storage\nVALUE = 0"
        + REPLY.replace("VALUE", "web_socket_instance.pipeline.storage_object.count()"),
    ).serve("-f", "filters", "--storage", "my_storage")
    assert site.says() == "1"
    assert site.reload() == "filters"
    assert site.says() == "2"


# What start filters open, stop filters close.


OPENS = """
    from twisted.internet.task import LoopingCall
    class Opens(WebSocketStartFilter):
        @classmethod
        def filter(cls, pipeline):
            pipeline.database = "database NUMBER"
            pipeline.member_left.append(lambda *of: None)
            cls.pipeline = pipeline
    class Shuts(WebSocketStopFilter):
        @classmethod
        def filter(cls, pipeline):
            print("closed", pipeline.database, flush=True)
    class Reply(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection, data):
            Opens.pipeline.publish("everybody", f"to {len(Opens.pipeline.users)}")
            same = connection.pipeline == Opens.pipeline
            connection.sendMessage(f"{connection.pipeline.database} {same} {len(connection.pipeline.member_left)}")
    class Joins(WebSocketConnectFilter):
        @classmethod
        def filter(cls, connection):
            return connection.subscribe("everybody")
"""


def test_what_a_start_filter_gives_the_pipeline_is_there_after_a_reload_and_the_old_is_what_is_closed(
    site: Site,
) -> None:
    client = site.write(filters=OPENS.replace("NUMBER", "1")).serve("-f", "filters")
    assert [site.says(), client.text()] == ["to 1", "database 1 True 1"]
    site.write(filters=OPENS.replace("NUMBER", "2"))
    site.reload()
    assert [site.says(), client.text()] == ["to 1", "database 2 True 1"]
    assert site.server.printed == "closed database 1\n"


def test_what_was_opened_in_vain_is_closed_and_the_pipeline_keeps_what_it_has(site: Site) -> None:
    client = site.write(filters=OPENS.replace("NUMBER", "1")).serve("-f", "filters")
    fails = """
    class Fails(WebSocketStartFilter):
        @classmethod
        def filter(cls, pipeline):
            assert pipeline.database == "database 2"
            raise OSError("no cache")
    """
    site.write(filters=OPENS.replace("NUMBER", "2") + dedent(fails).replace("\n", "\n    "))
    assert "no cache" in site.reload("not reloaded")
    assert [site.says(), client.text()] == ["to 1", "database 1 True 1"]
    assert site.server.printed == "closed database 2\n"


def test_modules_that_come_to_a_pipeline_are_started_and_those_that_leave_it_stopped(site: Site) -> None:
    told = """
        class {0}Opens(WebSocketStartFilter):
            @classmethod
            def filter(cls, pipeline):
                print("opened {0}", flush=True)
        class {0}Shuts(WebSocketStopFilter):
            @classmethod
            def filter(cls, pipeline):
                print("closed {0}", flush=True)
    """
    config = site.folder / "fws.json"
    config.write_text('{"filters": ["filters", "one"], "reload_keep": ["one", "two", "filters"]}')
    site.write(filters="VALUE = 0" + REPLY, one=told.format("one"), two=told.format("two")).serve("-c", "fws.json")
    config.write_text('{"filters": ["filters", "two"], "reload_keep": ["one", "two", "filters"]}')
    assert site.reload() == "the configuration; new: two"
    assert site.server.printed.splitlines() == ["opened one", "opened two", "closed one"]


# When a reload comes at an odd time.


WAITS = """
    from pathlib import Path
    from twisted.internet import reactor
    from twisted.internet.task import deferLater
    class Waits(WebSocketStartFilter):
        @classmethod
        async def filter(cls, pipeline):
            print("waits NUMBER", flush=True)
            while Path("gate").exists():
                await deferLater(reactor, 0.01)
    class Reply(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection, data):
            connection.sendMessage("NUMBER")
"""


def printed(site: Site, text: str) -> None:
    end = time.monotonic() + DEADLINE
    while text not in site.server.printed:
        assert time.monotonic() < end, site.server.printed
        os.sched_yield()


def test_a_reload_that_is_asked_for_while_one_waits_follows_it(site: Site) -> None:
    site.write(filters=WAITS.replace("NUMBER", "1")).serve("-f", "filters")
    gate = site.folder / "gate"
    gate.touch()
    site.write(filters=WAITS.replace("NUMBER", "2"))
    site.server.signal(signal.SIGHUP)
    printed(site, "waits 2")
    assert site.says() == "1"
    site.write(filters=WAITS.replace("NUMBER", "3"))
    for _ in range(3):
        site.server.signal(signal.SIGHUP)
    site.says()  # the signals have arrived
    gate.unlink()
    site.wait()
    site.wait()
    assert site.says() == "3"
    assert site.server.printed.splitlines() == ["waits 1", "waits 2", "waits 3"]


def test_a_reload_that_is_asked_for_while_the_server_starts_follows_the_start(site: Site) -> None:
    gate = site.folder / "gate"
    gate.touch()
    site.write(filters=WAITS.replace("NUMBER", "1"))
    site.server = site._start("-f", "filters", listens=False)
    printed(site, "waits 1")
    site.write(filters=WAITS.replace("NUMBER", "2"))
    site.server.signal(signal.SIGHUP)
    gate.unlink()
    site.wait()
    assert site.server.printed.splitlines() == ["waits 1", "waits 2"]


@pytest.mark.parametrize("reactor", ["auto", "asyncio"])
def test_a_server_that_stops_gives_up_the_reload_that_waits(site: Site, reactor: str) -> None:
    site.write(filters=WAITS.replace("NUMBER", "1")).serve("-f", "filters", "--reactor", reactor)
    (site.folder / "gate").touch()
    site.write(filters=WAITS.replace("NUMBER", "2"))
    site.server.signal(signal.SIGHUP)
    printed(site, "waits 2")
    site.server.signal()
    site.server.drop_clients()
    assert site.server.wait() == 0
    assert "not reloaded: the server is stopping" in site.server.log
    assert "Traceback" not in site.server.log


# In development.


def test_a_saved_helper_is_noticed_whatever_its_time_and_length(site: Site) -> None:
    site.write(helper="VALUE = 'one'\n", filters="from helper import VALUE" + REPLY).serve("-f", "filters", "--reload")
    for value in ("two", "six"):
        site.write(helper=f"VALUE = '{value}'\n")
        assert site.wait() == "filters, helper"
        assert site.says() == value


def test_a_new_helper_that_is_broken_or_not_there_yet_is_taken_when_it_is_mended(site: Site) -> None:
    site.write(filters="VALUE = 0" + REPLY).serve("-f", "filters", "--reload")
    site.write(filters="from new.helper import VALUE" + REPLY)
    assert "No module named 'new'" in site.wait("not reloaded")
    site.write(new__init="", new__helper="VALUE = (\n")
    assert "SyntaxError" in site.wait("not reloaded")
    site.write(new__helper="VALUE = 1\n")
    site.wait()
    assert site.says() == "1"
