"""What one history and its pool count."""

from filtered_websocket.storage_objects.base import Keep
from filtered_websocket.storage_objects.kept import History, Kept, PoolOfHistories, new_epoch
from tests.support.backends import message


def test_what_is_dropped_takes_its_bytes_and_its_name_with_it():
    history, pool = History("room", 0.0, 100.0), PoolOfHistories()
    history.obey(Keep(3, 10))
    pool.join(history)
    for number in range(5):
        kept = Kept(float(number), message("room", "x" * number), history, pool, str(number))
        history.kept.append(kept)
        pool.kept[kept] = None
        history.names[str(number)] = None
        pool.bytes += kept.cost
        history.bytes += kept.cost
    history.trim(4.0)
    assert history.names.keys() == {"2", "3", "4"}
    assert history.bytes == pool.bytes == sum(kept.cost for kept in history.kept) == 3 * 516 + 9
    history.trim(20.0)
    assert (history.bytes, pool.bytes, history.names, len(pool.kept)) == (0, 0, {}, 0)


def test_no_epoch_is_given_twice():
    assert len({new_epoch() for _ in range(1000)}) == 1000
