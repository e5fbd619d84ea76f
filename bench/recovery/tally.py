"""What became of what was published: delivered, lost, doubled, out of order, and what the clients were told of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from recovery.client import Client, Return
from recovery.publisher import Confirmed


def tally(clients: Sequence[Client], confirmed: Mapping[int, Confirmed]) -> dict[str, Any]:
    """The figures of a run.

    - owed: what was confirmed and published after the client had first been in, and how much of it arrived;
    - doubles, disorder: what came twice, or behind a later one; of what nobody confirmed nothing is said;
    - lies: what is missing, although the client was told that nothing is;
    - untold: what is missing, and the client was told nothing;
    - replay: from connect until the client is in and has all that it had missed, of those that had missed anything
    """
    owed = delivered = lies = untold = 0
    for client in clients:
        due = [number for number, at in confirmed.items() if client.entered and at.begun > client.entered]
        missing = [number for number in due if number not in client.got]
        owed, delivered = owed + len(due), delivered + len(due) - len(missing)
        for number in missing:
            after = next((each for each in client.returns if (each.told or 0.0) > confirmed[number].confirmed), None)
            lies += after is not None and after.recovered is True
            untold += after is None or after.recovered is None
    returns = [each for client in clients for each in client.returns if not each.first]
    replays = sorted(
        1000 * (max(each.complete, each.told or 0.0) - each.begun) for each in returns if each.complete is not None
    )
    return {
        "published": len(confirmed),
        "owed": owed,
        "delivered": delivered,
        "doubles": sum(len(client.doubles) for client in clients),
        "disorder": sum(number in confirmed for client in clients for number in client.disorder),
        "lies": lies,
        "untold": untold,
        "returns": len(returns),
        "recovered": sum(each.recovered is True for each in returns),
        "refused": sum(each.recovered is False for each in returns),
        "replays": len(replays),
        "replay_p50_ms": quantile(replays, 0.5),
        "replay_p99_ms": quantile(replays, 0.99),
    }


def back(each: Return) -> float | None:
    """When a client was in again and had what could be had; None: not yet."""
    if each.told is None:
        return None
    return each.told if each.complete is None else max(each.told, each.complete)


def quantile(values: Sequence[float], part: float) -> float | None:
    """Of sorted values; None of none."""
    return round(values[min(len(values) - 1, int(part * len(values)))], 3) if values else None
