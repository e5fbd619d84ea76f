from functools import partial

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from filtered_websocket.filters.engineio.flow_control import LIMIT, LOST_SECONDS, Windows


def opened() -> tuple[Windows, Clock, list[str]]:
    clock = Clock()
    return Windows(clock.callLater), clock, []


def test_what_there_is_room_for_goes_at_once() -> None:
    window, _, sent = opened()
    window.enter("node", "a", LIMIT // 2, lambda: sent.append("a"))
    window.enter("node", "b", LIMIT // 2, lambda: sent.append("b"))
    assert sent == ["a", "b"]


def test_the_rest_waits_in_order_until_something_has_arrived() -> None:
    window, _, sent = opened()
    for key, size in (("a", LIMIT - 10), ("b", 20), ("c", 5)):
        window.enter("node", key, size, lambda key=key: sent.append(key))  # type: ignore[misc]
    assert sent == ["a"]
    window.leave("a")
    assert sent == ["a", "b", "c"]


def test_what_waits_for_one_node_holds_up_no_other() -> None:
    window, _, sent = opened()
    for key, node in (("a", "dead"), ("b", "dead"), ("c", "alive")):
        window.enter(node, key, LIMIT, partial(sent.append, key))
    assert sent == ["a", "c"]
    window.leave("c")
    assert sent == ["a", "c"]
    window.leave("a")
    assert sent == ["a", "c", "b"]


def test_what_is_larger_than_all_goes_alone() -> None:
    window, _, sent = opened()
    window.enter("node", "a", 1, lambda: sent.append("a"))
    window.enter("node", "large", LIMIT * 2, lambda: sent.append("large"))
    assert sent == ["a"]
    window.leave("a")
    window.enter("node", "b", 1, lambda: sent.append("b"))
    assert sent == ["a", "large"]
    window.leave("large")
    assert sent == ["a", "large", "b"]


def test_a_client_that_is_not_told_of_has_died_and_frees_its_room() -> None:
    window, clock, sent = opened()
    window.enter("node", "a", LIMIT, lambda: sent.append("a"))
    window.enter("node", "b", LIMIT, lambda: sent.append("b"))
    clock.advance(LOST_SECONDS)
    assert sent == ["a", "b"]


def test_what_nobody_wants_any_more_is_not_sent() -> None:
    window, _, sent = opened()
    window.enter("node", "a", LIMIT, lambda: sent.append("a"))
    window.enter("node", "b", 1, lambda: sent.append("b"))
    window.leave("b")
    window.leave("a")
    assert sent == ["a"]


def test_any_number_may_fail_at_once() -> None:
    window, _, sent = opened()
    window.enter("node", "a", LIMIT, lambda: sent.append("a"))

    def fail(key: int) -> None:
        sent.append(str(key))
        window.leave(key)

    for key in range(1000):
        window.enter("node", key, LIMIT, partial(fail, key))
    window.leave("a")
    assert sent == ["a", *map(str, range(1000))]


def test_after_its_end_nothing_is_sent_and_nothing_runs() -> None:
    window, clock, sent = opened()
    window.enter("node", "a", LIMIT, lambda: sent.append("a"))
    window.enter("node", "b", 1, lambda: sent.append("b"))
    window.clear()
    assert sent == ["a"]
    assert not clock.getDelayedCalls()


@given(st.lists(st.tuples(st.integers(0, LIMIT * 2), st.booleans()), max_size=30))
def test_never_more_than_the_limit_is_on_its_way_but_for_one_alone(steps: list[tuple[int, bool]]) -> None:
    window, _, _ = opened()
    inside: dict[int, int] = {}
    for key, (size, arrives) in enumerate(steps):
        window.enter("node", key, size, lambda key=key, size=size: inside.__setitem__(key, size))  # type: ignore[misc]
        assert len(inside) == 1 or sum(inside.values()) <= LIMIT
        if arrives:
            first = next(iter(inside))
            del inside[first]
            window.leave(first)
    for _ in steps:
        if inside:
            first = next(iter(inside))
            del inside[first]
            window.leave(first)
    assert not inside
