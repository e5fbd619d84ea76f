"""Token buckets, against what anybody would count on a calendar."""

from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.limits.rates import Bucket


def test_a_bucket_begins_full_and_fills_at_its_rate():
    bucket = Bucket(2, 3, 100.0)
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(100.4)
    assert bucket.take(100.5)
    assert not bucket.take(100.6)


def test_more_than_the_burst_is_not_saved():
    bucket = Bucket(2, 3, 0.0)
    assert [bucket.take(1000.0) for _ in range(4)] == [True, True, True, False]


def test_a_debt_is_paid_at_the_rate():
    bucket = Bucket(10, 20, 0.0)
    assert bucket.spend(20, 0.0)
    assert bucket.debt(0.0) == 0
    assert not bucket.spend(5, 0.0)
    assert bucket.debt(0.0) == 0.5
    assert bucket.debt(0.25) == 0.25
    assert bucket.debt(0.5) == 0
    assert bucket.debt(10.0) == 0


def test_a_clock_that_goes_back_makes_nobody_owe_more_than_was_spent():
    bucket = Bucket(10, 20, 1000.0)
    assert not bucket.spend(25, 1000.0)
    assert bucket.debt(940.0) == 0.5
    assert bucket.debt(940.5) == 0
    assert not bucket.take(940.5)
    assert bucket.take(940.7)


@given(
    st.integers(1, 1000), st.integers(1, 5000), st.lists(st.tuples(st.floats(0, 2), st.integers(0, 100)), max_size=50)
)
def test_a_client_that_waits_when_told_never_gets_more_than_burst_and_rate(rate, burst, spendings):
    bucket, now, spent, largest = Bucket(rate, burst, 0.0), 0.0, 0, 0
    for rest, amount in spendings:
        now += rest
        if not bucket.spend(amount, now):
            now += bucket.debt(now)
        spent, largest = spent + amount, max(largest, amount)
        assert spent <= burst + now * rate + 1e-6
        assert bucket.debt(now) < 1e-9
