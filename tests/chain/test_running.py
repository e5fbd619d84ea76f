"""A run of a chain: what filters are given, what they give, and what waits."""

import pytest
from twisted.internet.defer import CancelledError, Deferred, fail, inlineCallbacks, succeed

from filtered_websocket.chain.running import run
from filtered_websocket.errors import Close, Reject, StopChain
from filtered_websocket.filters.base import FilterMeta
from tests.support.chains import filter_of, outcome

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
