"""What makes a call awaitable, on Twisted's reactors and on asyncio's."""

import asyncio
import gc
import sys
from contextvars import ContextVar

import pytest
from twisted.internet.defer import CancelledError, Deferred, DeferredList, fail, inlineCallbacks, succeed
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import begin, has_fired, is_deferred, start
from filtered_websocket.storage_objects.base import DONE
from tests.support.asyncio_scripts import on_asyncio
from tests.support.chains import filter_of, outcome, results


def test_start_begins_a_coroutine_before_it_returns():
    begun = []

    async def work():
        begun.append(True)
        return "done"

    deferred = start(work())
    assert begun == [True]
    assert outcome(deferred) == ["done"]


def test_what_nobody_waits_for_any_more_ends_quietly_whichever_part_is_collected_first(monkeypatch):
    unheard, ended = [], []
    monkeypatch.setattr(sys, "unraisablehook", unheard.append)

    async def waits():
        try:
            await Deferred()
        finally:
            ended.append(True)

    for closed_before in (False, True):
        coroutine = waits()
        deferred = begin(coroutine)
        if closed_before:
            coroutine.close()
        del coroutine, deferred
        gc.collect()
    assert ended == [True, True]
    assert [each.exc_value for each in unheard] == []


@pytest.mark.parametrize("run", [begin, start])
@pytest.mark.parametrize("fails", [False, True])
def test_a_coroutine_that_waits_goes_on_in_the_context_it_began_in(run, fails):
    variable = ContextVar("variable", default="outside")
    first, second = Deferred(), Deferred()

    async def waits():
        token = variable.set("inside")
        try:
            await first
        finally:
            seen = variable.get()
            variable.reset(token)
        await second
        return seen, variable.get()

    deferred = run(waits())
    assert variable.get() == "outside"
    if fails:
        first.errback(RuntimeError("no"))
        assert [type(each.value) for each in outcome(deferred)] == [RuntimeError]
    else:
        first.callback(None)
        second.callback(None)
        assert outcome(deferred) == [("inside", "outside")]
    assert variable.get() == "outside"


def test_what_is_over_at_once_with_nothing_is_done():
    async def nothing():
        pass

    async def result():
        return "done"

    async def fails():
        raise ValueError("no")

    assert begin(nothing()) is DONE
    assert outcome(begin(result())) == ["done"]
    assert start(nothing()) is not DONE  # callers chain to it
    (failure,) = outcome(begin(fails()))
    assert failure.check(ValueError)


def test_what_waits_goes_on_where_it_waited_and_what_was_wrong_there_is_raised_there():
    waits = [Deferred() for _ in range(3)]

    async def work():
        found = [await waits[0]]
        try:
            await waits[1]
        except ValueError as error:
            found.append(str(error))
        return [*found, await waits[2]]

    deferred = begin(work())
    waits[0].callback("a")
    waits[1].errback(ValueError("b"))
    assert not deferred.called
    waits[2].callback("c")
    assert outcome(deferred) == [["a", "b", "c"]]


def test_what_waits_can_be_cancelled_and_has_a_context_of_its_own():
    noted, waits, told = ContextVar("noted", default="nothing"), Deferred(), []

    async def work():
        noted.set("something")
        try:
            await waits
        except CancelledError:
            told.append(noted.get())
            raise

    deferred = begin(work())
    assert noted.get() == "nothing"
    deferred.cancel()
    (failure,) = outcome(deferred)
    assert failure.check(CancelledError)
    assert told == ["something"]


def test_on_the_asyncio_reactor_what_nobody_waits_for_any_more_ends_quietly_too():
    said = on_asyncio("""
        import gc

        sys.unraisablehook = lambda unraisable: print("unraisable:", unraisable.exc_value)
        loop.set_exception_handler(lambda loop, context: None)  # asyncio tells that a task was pending

        async def waits(awaitable):
            try:
                await awaitable
            finally:
                print("ended")

        def let_go(closed_before):
            for coroutine in closed_before:
                coroutine.close()
            closed_before.clear()
            del coroutine
            gc.collect()
            reactor.stop()

        def go():
            closed_before = [waits(Deferred()), waits(loop.create_future())]
            for coroutine in [*closed_before, waits(Deferred()), waits(loop.create_future())]:
                start(coroutine)
            loop.call_soon(loop.call_soon, let_go, closed_before)
    """)
    assert said == ["ended"] * 4


def test_on_the_asyncio_reactor_a_filter_awaits_what_is_asyncios_and_deferreds():
    assert on_asyncio("""
        @joins
        async def waits(web_socket_instance, data):
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

        @joins
        def next(web_socket_instance, data):
            return data + [later("g")]

        @joins
        async def unpacks(web_socket_instance, data):
            return "".join(data[:-1]) + await data[-1]
    """) == ["'medataabcdefg'"]


def test_on_the_asyncio_reactor_a_timeout_ends_the_wait_for_a_deferred_and_cancels_it():
    assert on_asyncio("""
        @joins
        async def waits(web_socket_instance, data):
            never = Deferred(lambda _: print("cancelled"))
            try:
                async with asyncio.timeout(0.01):
                    await never
            except TimeoutError:
                return "in time"
    """) == ["cancelled", "'in time'"]


def test_on_the_asyncio_reactor_a_failed_deferred_raises_in_the_filter():
    assert on_asyncio("""
        @joins
        async def waits(web_socket_instance, data):
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
        @joins
        async def waits(web_socket_instance, data):
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
        @joins
        async def stops(web_socket_instance, data):
            await asyncio.sleep(0)
            raise StopChain

        @joins
        def never(web_socket_instance, data):
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

        @joins
        async def waits(web_socket_instance, data):
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


def unchanged():
    return DONE.called and DONE.result is None and not DONE._callbacks and not DONE.paused


def test_done_runs_callbacks_on_a_fresh_deferred_and_stays_as_it_is():
    first = DONE.addCallback(lambda _: 1)
    assert first is not DONE
    assert results(first) == [1]
    assert results(DONE.addCallbacks(lambda _: 2, lambda _: 3)) == [2]
    assert results(DONE.addBoth(lambda value: value)) == [None]
    assert results(DONE.addErrback(lambda _: 4)) == [None]
    failed = DONE.addCallback(lambda _: 1 // 0)
    assert results(failed)[0].check(ZeroDivisionError)
    failed.addErrback(lambda _: None)
    assert unchanged()


def test_done_can_be_awaited_yielded_chained_returned_and_cancelled():
    async def awaits():
        return await DONE, await DONE

    @inlineCallbacks
    def yields():
        return (yield DONE), (yield DONE)

    assert results(Deferred.fromCoroutine(awaits())) == [(None, None)]
    assert results(yields()) == [(None, None)]
    follower = Deferred()
    DONE.chainDeferred(follower)
    assert results(follower) == [None]
    assert results(succeed(1).addCallback(lambda _: DONE)) == [None]
    DONE.cancel()
    DONE.pause()
    DONE.unpause()
    assert results(DONE.addTimeout(1, None)) == [None]
    assert unchanged()


def test_done_becomes_a_future():
    async def main():
        return await DONE.asFuture(asyncio.get_running_loop())

    assert asyncio.run(main()) is None
    assert unchanged()


def test_what_is_a_deferred_and_what_has_fired():
    assert is_deferred(DONE)
    assert is_deferred(DeferredList([]))
    assert not any(map(is_deferred, (None, "", Failure(ValueError()), Deferred)))
    assert has_fired(DONE)
    assert has_fired(succeed((1, 2)))
    waits, failed = Deferred(), fail(ValueError())
    assert not any(map(has_fired, (waits, failed, succeed(None).addCallback(lambda _: waits))))
    failed.addErrback(lambda _: None)
