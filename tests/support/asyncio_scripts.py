"""Scripts on Twisted's asyncio reactor, with a chain for filters. A process has one reactor: each is a process."""

import subprocess
import sys
from textwrap import dedent

PRELUDE = '''
import asyncio, sys
from twisted.internet import asyncioreactor
loop = asyncio.new_event_loop()
loop.slow_callback_duration = float("inf")  # -X dev would complain of a machine that is busy
asyncioreactor.install(loop)
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, fail
from filtered_websocket.errors import StopChain
from filtered_websocket.filters.base import FilterBase, FilterMeta
from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.failures import culprit

class Chain(FilterBase, metaclass=FilterMeta):
    pass

def joins(function):
    """Make a filter of a function."""
    FilterMeta(function.__name__, (Chain,), {"filter": staticmethod(function)})

def later(value, seconds=0.01):
    deferred = Deferred()
    reactor.callLater(seconds, deferred.callback, value)
    return deferred

def finish(result):
    print(repr(getattr(result, "value", result)))
    reactor.stop()

def go():
    Chain.run("me", "data").addBoth(finish)

reactor.callLater(20, lambda: (print("too late"), reactor.stop()))
reactor.callWhenRunning(lambda: go())
'''


def on_asyncio(source):
    """The lines that a script printed which ran on Twisted's asyncio reactor."""
    script = f"{PRELUDE}\n{dedent(source)}\nreactor.run()\nloop.close()\n"
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", script], capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.splitlines()
