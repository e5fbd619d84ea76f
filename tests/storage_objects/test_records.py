"""What records in memory cost."""

from filtered_websocket.storage_objects import records


def test_of_records_that_come_and_go_nothing_stays(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(records.time, "monotonic", lambda: now[0])
    kept = records.Records()
    kept.store("long", "x", 1e6, "", None)
    for number in range(5000):
        now[0] += 1
        kept.store(f"pid {number}", "x", 60, "", None)
    assert len(kept) <= 2 * 61
    assert kept.load("long") == ("x", "")
