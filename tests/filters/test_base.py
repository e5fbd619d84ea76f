"""Chains: how filters join them, and how they run."""

import asyncio
import importlib
import subprocess
import sys
from dataclasses import dataclass
from textwrap import dedent

import pytest
import six
from twisted.internet.defer import CancelledError, Deferred, fail, inlineCallbacks, succeed

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.events import EVENTS
from filtered_websocket.chain.running import run
from filtered_websocket.errors import Close, Reject, StopChain
from filtered_websocket.filters.base import FilterBase, FilterMeta, WebSocketMessageFilter


def new_chain():
    class Chain(FilterBase, metaclass=FilterMeta):
        pass

    return Chain


@pytest.fixture
def chain():
    return new_chain()


def filter_of(chain, function, name="Filter"):
    """A filter of this chain; its name is what tells it from others."""
    return FilterMeta(name, (chain,), {"filter": classmethod(function), "__qualname__": name})


def outcome(deferred):
    """What a Deferred has fired with, a list of it, so that "not yet" is the empty one."""
    fired = []
    deferred.addBoth(fired.append)
    return fired


# Registration.


def test_filters_run_in_the_order_of_their_definition(chain):
    ran = []

    class Zebra(chain):
        @classmethod
        def filter(cls, web_socket_instance, data):
            ran.append(("zebra", web_socket_instance, data))

    class Ant(chain):
        @classmethod
        def filter(cls, web_socket_instance, data):
            ran.append(("ant", web_socket_instance, data))

    assert chain._filters == [Zebra, Ant]
    assert chain.run("me", "x") == "x"
    assert ran == [("zebra", "me", "x"), ("ant", "me", "x")]


def test_a_chain_may_have_a_metaclass_of_its_own():
    class AFilter(FilterMeta):
        pass

    class A(FilterBase, metaclass=AFilter):
        pass

    class B(A):
        @classmethod
        def filter(cls, web_socket_instance, data):
            return data + "b"

    assert A._filters == [B]
    assert A.run(None, "") == "b"


def test_six_add_metaclass_which_builds_a_class_twice_registers_a_filter_once():
    class AFilter(FilterMeta):
        pass

    @six.add_metaclass(AFilter)
    class A(FilterBase):
        pass

    class B(A):
        @classmethod
        def filter(cls, web_socket_instance, data):
            return data + "b"

    @six.add_metaclass(AFilter)
    class C(A):
        @classmethod
        def filter(cls, web_socket_instance, data):
            return data + "c"

    class CFilter(AFilter):
        pass

    @six.add_metaclass(CFilter)
    class D(A):
        @classmethod
        def filter(cls, web_socket_instance, data):
            return data + "d"

    assert A._filters == [B, C, D]  # the classes as they are bound, not their former selves
    assert A.run(None, "") == "bcd"


def test_two_chains_with_one_metaclass_share_no_filters():
    class Shared(FilterMeta):
        pass

    class One(FilterBase, metaclass=Shared):
        pass

    @six.add_metaclass(Shared)
    class Other(FilterBase):
        pass

    class OfOne(One):
        pass

    class OfOther(Other):
        pass

    assert (One._filters, Other._filters) == ([OfOne], [OfOther])


def test_a_filter_of_two_chains_is_in_both(chain):
    other = new_chain()

    class Both(chain, other):
        pass

    assert (chain._filters, other._filters) == ([Both], [Both])


def test_a_subclass_of_a_filter_is_one_more_filter_of_the_same_chain(chain):
    class First(chain):
        suffix = "1"

        @classmethod
        def filter(cls, web_socket_instance, data):
            return data + cls.suffix

    class Second(First):
        suffix = "2"

    assert chain._filters == [First, Second]
    assert chain.run(None, "") == "12"


def test_within_one_generation_every_class_joins_also_those_of_one_name(chain):
    for word in ("spam", "eggs", "ham"):

        class Ban(chain):
            banned = word

            @classmethod
            def filter(cls, web_socket_instance, data):
                return data.replace(cls.banned, "-")

    assert [each.banned for each in chain._filters] == ["spam", "eggs", "ham"]
    assert chain.run(None, "eggs, spam and ham") == "-, - and -"


def test_a_class_that_a_decorator_builds_a_second_time_joins_once_in_each_of_its_chains(chain):
    other = new_chain()
    for number in range(2):

        @dataclass(slots=True)
        class Counted(chain, other):
            value: int = number

        assert chain._filters[-1] is other._filters[-1] is Counted
    assert [each.__name__ for each in chain._filters] == [each.__name__ for each in other._filters] == ["Counted"] * 2


def test_a_copy_of_a_filter_under_another_name_is_another_filter(chain):
    original = filter_of(chain, lambda cls, instance, data: data + "x", "Original")
    copy = FilterMeta("Copy", (chain,), dict(vars(original)))
    assert chain._filters == [original, copy]
    assert chain.run(None, "") == "xx"


def test_classes_of_a_loop_take_the_places_of_their_former_selves_when_their_module_is_reloaded(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    file = tmp_path / "module_with_a_loop.py"
    source = """
        from filtered_websocket.filters.base import WebSocketMessageFilter
        for each in WORDS:
            class Ban(WebSocketMessageFilter):
                word = each
    """

    def words():
        return [each.word for each in WebSocketMessageFilter._filters if each.__module__ == file.stem]

    file.write_text(dedent(source.replace("WORDS", "'ab'")))
    importlib.invalidate_caches()
    module = importlib.import_module(file.stem)
    assert words() == ["a", "b"]
    for _ in range(2):
        file.write_text(dedent(source.replace("WORDS", "['x', 'y', 'z']")))
        importlib.reload(module)
        assert words() == ["x", "y", "z"]


def test_reloading_a_module_does_not_double_its_filters(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    source = """
        from filtered_websocket.filters.base import WebSocketStartFilter, WebSocketStopFilter
        class Opens(WebSocketStartFilter):
            version = {}
        class Closes(WebSocketStopFilter):
            pass
    """
    file = tmp_path / "module_that_is_reloaded.py"
    file.write_text(dedent(source.format(1)))
    module = importlib.import_module(file.stem)
    file.write_text(dedent(source.format("'the second'")))
    importlib.invalidate_caches()
    importlib.reload(module)
    del sys.modules[file.stem]
    again = importlib.import_module(file.stem)
    mine = [each for root in EVENTS for each in root._filters if each.__module__ == file.stem]
    assert mine == [again.Opens, again.Closes]
    assert mine[0].version == "the second"


def test_the_roots_are_in_no_chain_and_know_their_event():
    assert [root.event for root in EVENTS] == [
        "start", "handshake", "connect", "data", "message", "disconnect", "consumer", "stop",
    ]  # fmt: skip
    assert not [root for root in EVENTS for other in EVENTS if root in other._filters]
    assert len({id(root._filters) for root in EVENTS}) == len(EVENTS)


# Parameters.


def test_a_filter_with_one_parameter_is_called_with_the_instance(chain):
    seen = []

    class Classmethod(chain):
        @classmethod
        def filter(cls, web_socket_instance):
            seen.append(web_socket_instance)
            return "on"

    class Staticmethod(chain):
        @staticmethod
        def filter(web_socket_instance):
            seen.append(web_socket_instance)

    assert chain.run("me", "data") == "on"
    assert seen == ["me", "me"]


@pytest.mark.parametrize(
    "function",
    [
        lambda cls, *both: both,
        lambda cls, instance, *rest: (instance, *rest),
        lambda cls, instance, data=None: (instance, data),
        lambda cls, instance, data, other=None: (instance, data),
        lambda cls, instance, data, *, option=None: (instance, data),
    ],
)
def test_every_other_filter_is_called_with_both(chain, function):
    filter_of(chain, function)
    assert chain.run("me", "data") == ("me", "data")


def test_a_filter_that_defines_no_filter_changes_nothing(chain):
    filter_of(chain, lambda cls, instance, data: data + "1", "First")
    FilterMeta("Nothing", (chain,), {})
    assert chain.run(None, "") == "1"


# The pipe.


def test_none_leaves_the_data_and_any_other_value_goes_on(chain):
    seen = []
    for number, result in enumerate([None, 0, "", False, None, b"x", None]):

        def step(cls, instance, data, result=result):
            seen.append(data)
            return result

        filter_of(chain, step, f"Filter{number}")
    assert chain.run(None, "first") == b"x"
    assert seen == ["first", "first", 0, "", False, False, b"x"]


def test_an_empty_chain_hands_the_data_back(chain):
    data = object()
    assert chain.run(None, data) is data
    assert chain.run(None) is None
    assert run((), None, data) is data


def test_stop_chain_ends_the_run_and_is_not_eaten_by_except_exception(chain):
    ran = []

    def careless(cls, instance, data):
        try:
            raise StopChain
        except Exception:
            ran.append("eaten")

    filter_of(chain, lambda cls, instance, data: ran.append("first"), "First")
    filter_of(chain, careless, "Careless")
    filter_of(chain, lambda cls, instance, data: ran.append("never"), "Last")
    assert chain.run(None, "data") is None
    assert ran == ["first"]
    with pytest.raises(StopChain):
        run([each.step for each in chain._filters], None, "data")


@pytest.mark.parametrize("error", [ValueError("x"), Reject(403, "no"), Close(4000, "no"), KeyboardInterrupt()])
def test_whatever_else_a_filter_raises_comes_out_of_the_run(chain, error):
    def raises(cls, instance, data):
        raise error

    async def raises_later(cls, instance, data):
        raise error

    raising = filter_of(chain, raises)
    with pytest.raises(type(error)) as caught:
        chain.run(None)
    assert caught.value is error
    if isinstance(error, KeyboardInterrupt):
        return  # in a coroutine it is the event loop's
    chain._filters.remove(raising)
    filter_of(chain, raises_later)
    assert outcome(chain.run(None))[0].value is error


# Filters that wait.


def test_a_coroutine_filter_is_awaited_and_its_value_goes_on(chain):
    gate, seen = Deferred(), []

    async def waits(cls, instance, data):
        return data + await gate

    filter_of(chain, waits, "Waits")
    filter_of(chain, lambda cls, instance, data: seen.append(data), "Last")
    fired = outcome(chain.run(None, "a"))
    assert (fired, seen) == ([], [])
    gate.callback("b")
    assert (fired, seen) == (["ab"], ["ab"])


def test_a_filter_may_return_a_deferred(chain):
    gate = Deferred()
    filter_of(chain, lambda cls, instance, data: gate, "Gate")
    filter_of(chain, lambda cls, instance, data: data * 2, "Last")
    fired = outcome(chain.run(None, "a"))
    assert fired == []
    gate.callback("b")
    assert fired == ["bb"]


def test_a_deferred_of_none_leaves_the_data(chain):
    gate = Deferred()
    filter_of(chain, lambda cls, instance, data: gate)
    fired = outcome(chain.run(None, "a"))
    gate.callback(None)
    assert fired == ["a"]


def test_a_filter_of_inline_callbacks_is_awaited(chain):
    gate = Deferred()

    @inlineCallbacks
    def waits(cls, instance, data):
        return data + (yield gate)

    filter_of(chain, waits)
    fired = outcome(chain.run(None, "a"))
    gate.callback("b")
    assert fired == ["ab"]


def test_a_deferred_that_has_fired_does_not_make_the_chain_wait(chain):
    filter_of(chain, lambda cls, instance, data: succeed(None), "Nothing")
    filter_of(chain, lambda cls, instance, data: succeed(data + "b"), "Something")
    assert chain.run(None, "a") == "ab"


def test_a_deferred_that_has_fired_but_waits_for_another_is_waited_for(chain):
    inner = Deferred()
    outer = succeed(None).addCallback(lambda _: inner)
    paused = succeed("p")
    paused.pause()
    filter_of(chain, lambda cls, instance, data: outer, "Chained")
    filter_of(chain, lambda cls, instance, data: paused.addCallback(lambda value: data + value), "Paused")
    fired = outcome(chain.run(None, "a"))
    inner.callback("b")
    assert fired == []
    paused.unpause()
    assert fired == ["bp"]


def test_a_coroutine_may_return_something_to_wait_for(chain):
    gate = Deferred()

    async def another(data):
        return data + await gate

    async def waits(cls, instance, data):
        return another(data)

    filter_of(chain, waits)
    fired = outcome(chain.run(None, "a"))
    gate.callback("b")
    assert fired == ["ab"]


def test_many_filters_that_wait_keep_their_order(chain):
    gates, ran = [Deferred() for _ in range(4)], []

    for number, gate in enumerate(gates):

        async def waits(cls, instance, data, number=number, gate=gate):
            ran.append(f"begin {number}")
            await gate
            ran.append(f"end {number}")

        filter_of(chain, waits, f"Async{number}")
        filter_of(chain, lambda cls, instance, data, number=number: ran.append(f"sync {number}"), f"Sync{number}")
    fired = outcome(chain.run(None, "x"))
    for gate in gates:
        gate.callback(None)
    assert ran == [f"{word} {number}" for number in range(4) for word in ("begin", "end", "sync")]
    assert fired == ["x"]


def test_stop_chain_after_an_await_ends_a_run_by_hand_quietly(chain):
    gate, ran = Deferred(), []

    async def stops(cls, instance, data):
        await gate
        try:
            raise StopChain
        except Exception:
            ran.append("eaten")

    filter_of(chain, stops, "Stops")
    filter_of(chain, lambda cls, instance, data: ran.append("never"), "Last")
    fired = outcome(chain.run(None, "a"))
    gate.callback(None)
    assert (fired, ran) == ([None], [])


@pytest.mark.parametrize("fails", [lambda: fail(ZeroDivisionError()), Deferred], ids=["at once", "later"])
def test_a_deferred_that_fails_fails_the_run_and_later_filters_do_not_run(chain, fails):
    failing, ran = fails(), []
    filter_of(chain, lambda cls, instance, data: failing, "Fails")
    filter_of(chain, lambda cls, instance, data: ran.append("never"), "Last")
    fired = outcome(chain.run(None, "a"))
    if not failing.called:
        failing.errback(ZeroDivisionError())
    assert fired[0].check(ZeroDivisionError)
    assert ran == []


def test_cancelling_a_run_cancels_the_filter_that_waits(chain):
    gates, seen = [], []

    async def waits(cls, instance, data):
        gates.append(Deferred(lambda _: seen.append("the awaited was cancelled")))
        try:
            await gates[0]
        except CancelledError:
            seen.append("the filter saw it")
            raise

    filter_of(chain, waits, "Waits")
    filter_of(chain, lambda cls, instance, data: seen.append("never"), "Last")
    result = chain.run(None, "a")
    fired = outcome(result)
    result.cancel()
    assert fired[0].check(CancelledError)
    assert seen == ["the awaited was cancelled", "the filter saw it"]


def test_an_ignored_coroutine_object_is_closed_by_being_awaited_not_leaked(chain, recwarn):
    async def nothing(cls, instance, data):
        return None

    filter_of(chain, nothing)
    assert outcome(chain.run(None, "a")) == ["a"]
    assert not [each for each in recwarn if "never awaited" in str(each.message)]


def test_start_begins_a_coroutine_before_it_returns():
    begun = []

    async def work():
        begun.append(True)
        return "done"

    deferred = start(work())
    assert begun == [True]
    assert outcome(deferred) == ["done"]


# On the asyncio reactor: a process has one reactor, so each of these is a process.

PRELUDE = """
import asyncio, sys
from twisted.internet import asyncioreactor
asyncioreactor.install()
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, fail
from filtered_websocket.errors import StopChain
from filtered_websocket.filters.base import FilterBase, FilterMeta; from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.failures import culprit

class Chain(FilterBase, metaclass=FilterMeta):
    pass

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
"""


def on_asyncio(source):
    """The lines that a script printed which ran on Twisted's asyncio reactor."""
    script = f"{PRELUDE}\n{dedent(source)}\nreactor.run()\n"
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", script], capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.splitlines()


def test_on_the_asyncio_reactor_a_filter_awaits_what_is_asyncios_and_deferreds():
    assert on_asyncio("""
        class Waits(Chain):
            @classmethod
            async def filter(cls, web_socket_instance, data):
                assert asyncio.current_task() is not None
                await asyncio.sleep(0)
                await asyncio.sleep(0.001)
                a = await later("a")
                async with asyncio.timeout(5):
                    c = later("c").asFuture(asyncio.get_running_loop())
                    b = await asyncio.gather(asyncio.sleep(0.001, "b"), c)
                d = await asyncio.create_task(asyncio.sleep(0, "d"))
                e = await asyncio.to_thread(str.lower, "E")
                return [web_socket_instance, data, a, *b, d, e, await later("f")]

        class Next(Chain):
            @classmethod
            def filter(cls, web_socket_instance, data):
                return data + [later("g")]

        class Unpacks(Chain):
            @classmethod
            async def filter(cls, web_socket_instance, data):
                return "".join(data[:-1]) + await data[-1]
    """) == ["'medataabcdefg'"]


def test_on_the_asyncio_reactor_a_timeout_ends_the_wait_for_a_deferred_and_cancels_it():
    assert on_asyncio("""
        class Waits(Chain):
            @classmethod
            async def filter(cls, web_socket_instance, data):
                never = Deferred(lambda _: print("cancelled"))
                try:
                    async with asyncio.timeout(0.01):
                        await never
                except TimeoutError:
                    return "in time"
    """) == ["cancelled", "'in time'"]


def test_on_the_asyncio_reactor_a_failed_deferred_raises_in_the_filter():
    assert on_asyncio("""
        class Waits(Chain):
            @classmethod
            async def filter(cls, web_socket_instance, data):
                try:
                    await fail(ZeroDivisionError("caught"))
                except ZeroDivisionError as error:
                    print(error)
                failing = Deferred()
                reactor.callLater(0.001, failing.errback, KeyError("not caught"))
                await failing
    """) == ["caught", "KeyError('not caught')"]


@pytest.mark.parametrize("waits_for", ["asyncio.sleep(10)", "Deferred()", "asyncio.Event().wait()"])
def test_on_the_asyncio_reactor_cancelling_a_run_cancels_the_filter_that_waits(waits_for):
    assert on_asyncio(f"""
        class Waits(Chain):
            @classmethod
            async def filter(cls, web_socket_instance, data):
                try:
                    await {waits_for}
                except asyncio.CancelledError:
                    print("the filter saw it")
                    raise

        def go():
            running = Chain.run(None)
            running.addErrback(lambda failure: failure.trap(CancelledError, asyncio.CancelledError) and "ended")
            running.addBoth(finish)
            reactor.callLater(0.01, running.cancel)
    """) == ["the filter saw it", "'ended'"]


def test_on_the_asyncio_reactor_stop_chain_ends_the_run_quietly():
    assert on_asyncio("""
        class Stops(Chain):
            @classmethod
            async def filter(cls, web_socket_instance, data):
                await asyncio.sleep(0)
                raise StopChain

        class Never(Chain):
            @classmethod
            def filter(cls, web_socket_instance, data):
                print("never")
    """) == ["None"]


def test_on_the_asyncio_reactor_an_exception_still_names_its_filter():
    assert on_asyncio("""
        class Raises(Chain):
            @classmethod
            async def filter(cls, web_socket_instance, data):
                await asyncio.sleep(0)
                await later(None)
                raise ValueError("oops")

        def go():
            Chain.run(None).addErrback(lambda failure: culprit(failure.value)).addBoth(finish)
    """) == ["'__main__.Raises.filter'"]


def test_on_the_asyncio_reactor_a_filter_that_takes_too_long_is_named():
    assert on_asyncio("""
        from filtered_websocket.chain.running import limit_time

        class Hangs(Chain):
            @classmethod
            async def filter(cls, web_socket_instance, data):
                await asyncio.Event().wait()

        def go():
            run = Chain.run(None)
            limit_time(run, 0.01, reactor)
            run.addErrback(lambda failure: (type(failure.value), culprit(failure.value))).addBoth(finish)
    """) == ["(<class 'TimeoutError'>, '__main__.Hangs.filter')"]


def test_on_the_asyncio_reactor_context_variables_of_the_caller_are_seen_after_an_await():
    assert on_asyncio("""
        from filtered_websocket.messages.message import in_binary_message, message

        class Waits(Chain):
            @classmethod
            async def filter(cls, web_socket_instance, data):
                await asyncio.sleep(0)
                await later(None)
                return message(b"x")

        def go():
            kind = in_binary_message.set(True)
            running = Chain.run(None)
            in_binary_message.reset(kind)
            running.addBoth(finish)
    """) == ["(b'x', True)"]


def test_awaiting_asyncio_objects_on_another_reactor_fails_and_says_so(chain):
    async def waits(cls, instance, data):
        await asyncio.sleep(1)

    filter_of(chain, waits)
    failure = outcome(chain.run(None))[0]
    assert failure.check(RuntimeError)
    assert "no running event loop" in str(failure.value)
