"""The server inside an asyncio program, which has a process of its own: it has another reactor."""

import subprocess
import sys
from textwrap import dedent

import pytest

from tests.support.small_filters import BROADCAST

TWICE = (
    "there is a reactor already: asyncio_reactor() comes once in a process, before whatever imports "
    "twisted.internet.reactor"
)
NONE = "there is no reactor in this asyncio loop: `async with asyncio_reactor()` comes first"
OPTIONS = {"filters": [BROADCAST], "port": 0, "host": "127.0.0.1"}


def test_in_an_asyncio_program_it_is_one_task_of_many_and_the_signals_stay_the_programs():
    program = f"""
        import asyncio, signal
        from websockets.asyncio.client import connect
        from filtered_websocket.commands.embedded import EmbeddedServer, asyncio_reactor
        from filtered_websocket.errors import ConfigError

        async def main():
            handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
            async with asyncio_reactor():
                from twisted.internet import reactor
                from twisted.internet.threads import deferToThread
                from filtered_websocket.transport.ends import ends_of
                ends_of(reactor)  # of a process, made when a connection's end first comes while it is not read
                before = len(reactor.getReaders()), len(reactor.getDelayedCalls())
                for _ in range(2):
                    async with EmbeddedServer(**{OPTIONS}) as server:
                        taken = {{**{OPTIONS}, "port": int(server.address.rpartition(":")[2])}}
                        try:
                            await EmbeddedServer(**taken).__aenter__()
                        except ConfigError as error:
                            print("in use" in str(error))
                        async with connect(server.address) as a, connect(server.address) as b:
                            await asyncio.gather(a.send("hi"), asyncio.sleep(0))
                            print(await b.recv())
                        await deferToThread(int).asFuture(asyncio.get_running_loop())
                    print((len(reactor.getReaders()), len(reactor.getDelayedCalls())) == before)
                try:
                    async with asyncio_reactor():
                        pass
                except ConfigError as error:
                    print(error)
            print(handlers == [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)])
            print(asyncio.all_tasks() == {{asyncio.current_task()}})

        async def another():
            await EmbeddedServer(**{OPTIONS}).start().asFuture(asyncio.get_running_loop())

        asyncio.run(main())
        try:
            asyncio.run(another())
        except ConfigError as error:
            print(error)
    """
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", dedent(program)], capture_output=True, text=True, timeout=120, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == ["True", "hi", "True"] * 2 + [TWICE, "True", "True", NONE]


def test_a_program_that_forgets_the_reactor_is_told_so_and_does_not_wait_for_ever():
    program = f"""
        import asyncio
        from filtered_websocket.commands.embedded import EmbeddedServer, asyncio_reactor
        from filtered_websocket.errors import ConfigError

        async def main():
            for each in (EmbeddedServer(**{OPTIONS}), asyncio_reactor()):
                try:
                    async with each:
                        print("begun")
                except ConfigError as error:
                    print(error)

        asyncio.run(main())
    """
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", dedent(program)], capture_output=True, text=True, timeout=120, check=False
    )
    assert (ran.stdout.splitlines(), ran.stderr) == ([NONE, TWICE], "")


@pytest.mark.parametrize("begins", ["pass", "globalLogBeginner.beginLoggingTo([], redirectStandardIO=False)"])
def test_what_is_logged_goes_to_pythons_logging_unless_the_program_has_a_log_of_twisteds(begins):
    program = f"""
        import asyncio, warnings
        from twisted.logger import globalLogBeginner
        from websockets.asyncio.client import connect
        from filtered_websocket.commands.embedded import EmbeddedServer, asyncio_reactor
        from filtered_websocket.filters.base import WebSocketMessageFilter

        class Broken(WebSocketMessageFilter):
            @classmethod
            def filter(cls, web_socket_instance, data):
                raise ValueError("a fault")

        async def main():
            {begins}
            shows = warnings.showwarning
            async with asyncio_reactor(), EmbeddedServer(filters=[__name__], port=0, host="127.0.0.1") as server:
                print(warnings.showwarning is shows)
                for _ in range(3):
                    async with connect(server.address) as client:
                        await client.send("x")
                        await client.wait_closed()
                        print(client.close_code)

        asyncio.run(main())
    """
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", dedent(program)], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.stdout.splitlines() == ["True", "1011", "1011", "1011"]
    # As `logging` shows warnings and errors where nobody has configured it; a traceback that comes again comes once.
    assert ran.stderr.count("ValueError: a fault\n") == (begins == "pass")
    assert ran.stderr.count("failed: filter (__main__.Broken.filter)") == (begins == "pass")
    assert ran.stderr.count("\nTraceback") + ran.stderr.startswith("Traceback") == (begins == "pass")
