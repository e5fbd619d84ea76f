"""The alarm that ends a reactor's wait."""

import os
import select
import time
from collections.abc import Iterator

import pytest

from filtered_websocket.transport import alarm as alarm_module
from filtered_websocket.transport.alarm import Alarm
from tests.support.descriptors import no_more_descriptors
from tests.support.raw_client import DEADLINE


@pytest.fixture
def poller() -> Iterator[select.epoll]:
    with select.epoll() as poller:
        yield poller


@pytest.fixture
def alarm(poller: select.epoll) -> Iterator[Alarm]:
    """One that the poller tells of."""
    alarm = Alarm.of(poller)
    assert alarm is not None
    yield alarm
    alarm.close()


def test_it_rings_once_and_not_before_its_time(alarm: Alarm, poller: select.epoll) -> None:
    assert alarm.at == 0
    assert poller.poll(0) == []
    for seconds in (0.02, 0.001):
        at = time.monotonic() + seconds
        alarm.set(at)
        assert alarm.at == at
        assert poller.poll(DEADLINE) == [(alarm.fileno(), select.EPOLLIN)]
        assert time.monotonic() > at
        assert poller.poll(0) == []


def test_the_time_set_last_counts(alarm: Alarm, poller: select.epoll) -> None:
    now = time.monotonic()
    alarm.set(now + 0.01)
    alarm.set(now + 1000)
    assert poller.poll(0.05) == []
    alarm.set(now + 0.1)
    assert poller.poll(DEADLINE)
    assert now + 0.1 < time.monotonic() < now + 1000


@pytest.mark.parametrize("at", [0.0, 1.5])
def test_it_rings_at_once_for_a_time_that_has_passed(alarm: Alarm, poller: select.epoll, at: float) -> None:
    alarm.set(at)
    assert poller.poll(DEADLINE)


def test_a_program_that_is_started_does_not_get_its_descriptor(alarm: Alarm) -> None:
    assert not os.get_inheritable(alarm.fileno())
    assert not os.get_blocking(alarm.fileno())


def test_no_room_for_a_descriptor_is_an_error() -> None:
    with no_more_descriptors(), pytest.raises(OSError, match="Too many open files"):
        Alarm()


def test_a_python_without_ctypes_has_none(poller: select.epoll, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm_module, "ctypes", None)
    with pytest.raises(OSError, match="no ctypes"):
        Alarm()
    assert Alarm.of(poller) is None


def test_one_that_is_closed_cannot_be_set() -> None:
    alarm = Alarm()
    alarm.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        alarm.set(1.0)
