"""A traceback shows authors of filters their own code."""

import asyncio

import pytest
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.task import Clock

from filtered_websocket.chain.failures import culprit, kind_of, users_traceback
from filtered_websocket.chain.running import limit_time, run
from filtered_websocket.filters.base import FilterBase, FilterMeta
from filtered_websocket.filters.stdout_messages import StdoutMessages
from filtered_websocket.messages.message import message


class Chain(FilterBase, metaclass=FilterMeta):
    pass


class Raises(Chain):
    @classmethod
    def filter(cls, web_socket_instance, data):
        cls.helper(data)

    @classmethod
    def helper(cls, data):
        raise ValueError("what the filter said")


def error_of(step):
    """What running this filter raises, caught where it is no frame of the test's."""
    return error_in(run, (step,), None, b"x")


def error_in(function, *args):
    failed = []
    maybeDeferred(function, *args).addErrback(lambda failure: failed.append(failure.value))
    return failed[0]


async def fails_at_once(instance, data):
    raise ValueError("what the filter said")


async def fails_later(instance, data):
    await Deferred.fromCoroutine(fails_at_once(instance, data))


async def fails_much_later(instance, data):
    gate = Deferred()
    from_elsewhere.append(gate)
    await gate
    raise ValueError("what the filter said")


from_elsewhere: list[Deferred] = []


async def waits_and_goes_on(instance, data):
    await Deferred.fromCoroutine(nothing_at_all())


async def nothing_at_all():
    return None


@pytest.mark.parametrize(
    ("step", "name"),
    [
        (Raises.step, "Raises.filter"),
        (fails_at_once, "fails_at_once"),
        (fails_later, "fails_later"),
        (lambda instance, data: Deferred.fromCoroutine(fails_at_once(instance, data)), "<lambda>"),
    ],
)
def test_an_exception_names_the_filter_it_came_out_of(step, name):
    error = error_of(step)
    assert culprit(error) == f"{__name__}.{name}"
    shown = users_traceback(error)
    assert "what the filter said" in shown
    assert shown.splitlines()[1].strip().startswith(f'File "{__file__}"')
    assert "filters/base.py" not in shown


def test_a_filter_that_fails_after_a_wait_is_named_too():
    failed = []
    run((fails_much_later,), None, b"x").addErrback(lambda failure: failed.append(failure.value))
    from_elsewhere.pop().callback(None)
    assert culprit(failed[0]) == f"{__name__}.fails_much_later"


def test_failures_are_of_one_kind_at_one_line_of_the_same_code_only():
    def raised(body):
        scope = {"__name__": "chat"}
        exec(compile("def filter(data):\n" + body, "chat.py", "exec"), scope)
        try:
            scope["filter"](0)
        except ZeroDivisionError as error:
            return kind_of(error)

    first = raised("    return 1 / data")
    assert first[1:3] == ("ZeroDivisionError", 2)
    assert raised("    return 1 / data") == first
    assert raised("    return 2 / data") != first
    assert raised("    data = -data\n    return 1 / data") != first


def test_what_the_framework_raises_on_behalf_of_a_filter_is_the_filters():
    def sends_nonsense(instance, data):
        message(1)

    error = error_of(sends_nonsense)
    assert culprit(error).endswith("sends_nonsense")
    assert "message.py" in users_traceback(error)


def test_a_bundled_filter_is_a_filter_like_anybodys():
    error = error_of(StdoutMessages.step)  # None has no id
    assert culprit(error) == "filtered_websocket.filters.stdout_messages.StdoutMessages.filter"


def test_an_exception_without_a_users_frame_is_told_all_the_same():
    error = error_in(message, 1)
    assert culprit(error) == "a filter"
    assert "message.py" in users_traceback(error)
    never_raised = ValueError("x")
    assert culprit(never_raised) == "a filter"
    assert users_traceback(never_raised) == "ValueError: x\n"


def test_a_filter_that_takes_too_long_is_cancelled_and_named_where_it_waited():
    clock, failed, seen = Clock(), [], []

    async def hangs(instance, data):
        try:
            await Deferred()
        finally:
            seen.append("cancelled")

    waiting = run((hangs,), None, b"x")
    limit_time(waiting, 5, clock)
    waiting.addErrback(lambda failure: failed.append(failure.value))
    clock.advance(4)
    assert seen == failed == []
    clock.advance(1)
    assert seen == ["cancelled"]
    assert type(failed[0]) is TimeoutError
    assert str(failed[0]) == "the filter took longer than 5 s (filter_timeout)"
    assert culprit(failed[0]).endswith("hangs")


class Returns(Chain):
    """Returns a Deferred of its own."""

    @classmethod
    def filter(cls, web_socket_instance, data):
        return from_elsewhere[-1]


class ReturnsTwo(Chain):
    """Written with one parameter, as the original's README writes filters."""

    @classmethod
    def filter(cls, web_socket_instance):
        return Deferred.fromCoroutine(returns_another())


async def returns_another():
    return from_elsewhere[-1]


def nothing(instance, data): ...


@pytest.mark.parametrize(
    "chain", [(Returns.step,), (nothing, Returns.step, nothing), (waits_and_goes_on, Returns.step)]
)
@pytest.mark.parametrize("returns", [Returns, ReturnsTwo])
@pytest.mark.parametrize("hangs", [True, False])
def test_a_filter_that_returns_a_deferred_is_named_when_that_hangs_or_fails(chain, returns, hangs):
    clock, failed = Clock(), []
    from_elsewhere.append(Deferred())
    waiting = run([returns.step if step is Returns.step else step for step in chain], None, b"x")
    limit_time(waiting, 5, clock)
    waiting.addErrback(lambda failure: failed.append(failure.value))
    if hangs:
        clock.advance(5)
    else:
        from_elsewhere.pop().errback(OSError("refused"))
    (error,) = failed
    assert culprit(error) == f"{__name__}.{returns.__name__}.filter"
    shown = users_traceback(error).splitlines()
    assert shown[0] == "Traceback (most recent call last):"
    assert shown[1].strip().startswith(f'File "{__file__}"')
    assert shown[1].endswith("in filter")
    assert shown[-1] in ("TimeoutError: the filter took longer than 5 s (filter_timeout)", "OSError: refused")
    assert not any("twisted" in line or "filters/base.py" in line for line in shown)


def test_a_filter_in_time_is_what_it_would_be_without_a_limit():
    clock = Clock()
    for ends in (lambda gate: gate.callback("b"), lambda gate: gate.errback(ValueError("c")), Deferred.cancel):
        gate, fired = Deferred(), []
        limit_time(gate, 5, clock)
        gate.addBoth(fired.append)
        ends(gate)
        assert fired[0] == "b" or fired[0].check(ValueError, CancelledError)
        assert clock.getDelayedCalls() == []


@pytest.mark.parametrize(
    "wait", [lambda: asyncio.sleep(1), lambda: asyncio.Event().wait(), lambda: asyncio.Queue().get()]
)
def test_awaiting_asyncios_objects_on_another_reactor_names_the_one_that_takes_them(wait):
    async def waits(instance, data):
        await wait()

    *_, said, hint, end = users_traceback(error_of(waits)).split("\n")
    assert said.startswith(("RuntimeError: no running event loop", "AttributeError: "))
    assert hint == 'To await what is asyncio\'s, start with --reactor asyncio, in tests Server(..., reactor="asyncio")'
    assert end == ""
