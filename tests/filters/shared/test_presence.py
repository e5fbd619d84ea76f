"""Joins and leaves told once, corrected when two nodes overtake each other, and steps that are taken to their end."""

import pytest
from twisted.internet.defer import CancelledError, Deferred, succeed

from filtered_websocket.chain.deferreds import start
from filtered_websocket.filters.shared.presence import Full, Presence, Steps
from filtered_websocket.storage_objects.memory import StorageObject


class Told(list):
    """What was published, in order; as slow as `hold` says."""

    def __init__(self):
        super().__init__()
        self.hold = None

    def joined(self, channel, member, info, holder):
        self.append(("joined", member, info, holder))
        return self.hold or succeed(None)

    def left(self, channel, member, info):
        self.append(("left", member, info))
        return succeed(None)


class SharedMemory(StorageObject):
    """Memory that two nodes have in common: what one publishes can be overtaken by the other."""

    shared = True


def result(coroutine):
    outcomes = []
    start(coroutine).addBoth(outcomes.append)
    (outcome,) = outcomes
    if hasattr(outcome, "raiseException"):
        outcome.raiseException()
    return outcome


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def presence(told):
    return Presence(StorageObject(), told.joined, told.left)


def test_a_user_joins_with_the_first_connection_and_leaves_with_the_last(presence, told):
    result(presence.join("room", "u", "1", "a"))
    result(presence.join("room", "u", "2", "b"))
    result(presence.leave("room", "u", "1", "a"))
    result(presence.leave("room", "u", "2", "b"))
    assert told == [("joined", "u", "a", "1"), ("left", "u", "b")]


def test_leaving_twice_is_leaving_once(presence, told):
    result(presence.join("room", "u", "1", ""))
    for _ in range(2):
        result(presence.leave("room", "u", "1", ""))
    assert [each[0] for each in told] == ["joined", "left"]


def test_a_full_channel_lets_nobody_in_and_tells_nobody(presence, told):
    for user in ("u", "v"):
        result(presence.join("room", user, user, "", most=2))
    with pytest.raises(Full):
        result(presence.join("room", "w", "w", "", most=2))
    result(presence.join("room", "v", "v2", "", most=2))
    assert result(members(presence)) == {"u": "", "v": ""}
    assert [each[1] for each in told] == ["u", "v"]


def test_a_join_that_was_published_behind_the_leave_is_taken_back(told):
    storage = SharedMemory()
    here, there = Presence(storage, told.joined, told.left), Presence(storage, told.joined, told.left)
    told.hold = Deferred()
    joining = start(here.join("room", "u", "1", "a"))
    told.hold, hold = None, told.hold
    result(there.leave("room", "u", "1", "a"))
    hold.callback(None)
    assert joining.called
    assert told[-1][:2] == ("left", "u")


def test_a_leave_that_was_published_behind_the_next_join_is_taken_back(told):
    storage = SharedMemory()
    result(storage_join(storage, "u", "2"))
    presence = Presence(storage, told.joined, told.left)
    # The node that dies told nobody; meanwhile the user is back.
    result(presence.gone("room", "u", ""))
    assert told == [("left", "u", ""), ("joined", "u", "info", "")]


def test_a_correction_that_was_itself_overtaken_is_taken_back(told):
    """A leave that a join has overtaken is corrected while the member leaves for good, and that is told first."""
    storage = SharedMemory()
    result(storage_join(storage, "u", "2"))
    here, there = Presence(storage, told.joined, told.left), Presence(storage, told.joined, told.left)
    told.hold = Deferred()
    correcting = start(here.gone("room", "u", ""))
    assert told == [("left", "u", ""), ("joined", "u", "info", "")]
    result(there.leave("room", "u", "2", ""))
    told.append(told.pop(1))  # the correction arrives behind the leave
    told.hold.callback(None)
    assert correcting.called
    assert told[-1] == ("left", "u", "")


async def members(presence):
    return await presence._storage.members("room")


async def storage_join(storage, member, holder):
    return await storage.join("room", member, holder, "info")


def test_steps_are_taken_one_after_the_other():
    steps, order, gate = Steps(), [], Deferred()

    async def first():
        await gate
        order.append("first")

    async def second():
        order.append("second")
        return 2

    steps.take(first())
    answer = steps.take(second())
    assert (order, answer.called) == ([], False)
    gate.callback(None)
    assert (order, answer.result) == (["first", "second"], 2)


def test_a_caller_that_cancels_hears_no_more_and_the_step_goes_on():
    steps, order, gate, failures = Steps(), [], Deferred(), []

    async def step():
        await gate
        order.append("done")

    heard = steps.take(step())
    heard.addErrback(lambda failure: failures.append(failure.type))
    heard.cancel()
    idle = start(steps.idle())
    assert (failures, idle.called) == ([CancelledError], False)
    gate.callback(None)
    assert (order, idle.called) == (["done"], True)


def test_a_step_that_fails_fails_for_its_caller_and_holds_nobody_up():
    steps = Steps()

    async def broken():
        raise ValueError("why")

    async def fine():
        return 1

    failures = []
    steps.take(broken()).addErrback(lambda failure: failures.append(failure.value))
    assert [str(each) for each in failures] == ["why"]
    assert steps.take(fine()).result == 1
    assert start(steps.idle()).called


class NoList(SharedMemory):
    """Storage in which nobody may ask for all members."""

    def members(self, channel):
        raise AssertionError("all members were asked for")


@pytest.mark.parametrize("kind", [NoList, type("Alone", (NoList,), {"shared": False})])
def test_joins_and_leaves_look_at_no_other_member(kind, told):
    presence = Presence(kind(), told.joined, told.left)
    for number in range(5):
        result(presence.join("room", f"member {number}", "1", "", most=6))
    result(presence.join("room", "ada", "1", "", most=6))
    with pytest.raises(Full):
        result(presence.join("room", "bob", "1", "", most=6))
    result(presence.leave("room", "ada", "1", ""))
    result(presence.gone("room", "member 1", ""))
    assert [each[:2] for each in told[5:7]] == [("joined", "ada"), ("left", "ada")]
