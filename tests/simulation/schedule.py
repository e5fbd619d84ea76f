"""Schedules: what happens in a world, a step a line. A seed makes one; one that failed is written, and played again."""

from random import Random
from typing import NamedTuple

from tests.simulation.channels import CHANNELS, keeps

Step = tuple[str | int, ...]
KEPT = [channel for channel in CHANNELS if keeps(channel)]
CLIENTS = 8
NODES = 3
STORAGE_NODES = {"sqlite": 1}
WITHOUT = {"sqlite": ("cut", "lose", "lapse", "forget")}
"""What cannot happen to a storage."""


class Schedule(NamedTuple):
    """
    :ivar seed: of names and delays
    """

    storage: str
    seed: int
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        lines = [f"{self.storage} {self.seed}", *(" ".join(map(str, step)) for step in self.steps)]
        return "\n".join(lines) + "\n"


def read(text: str) -> Schedule:
    """A schedule as it was written; what stands behind a # is a comment."""
    lines = [line.partition("#")[0].split() for line in text.splitlines()]
    (storage, seed), *steps = [line for line in lines if line]
    return Schedule(storage, int(seed), tuple(tuple(int(word) if word.isdigit() else word for word in each)
                                              for each in steps))  # fmt: skip


def made(storage: str, seed: int, count: int) -> Schedule:
    """That of a seed, with so many steps."""
    random = Random(f"schedule {seed}")
    nodes = STORAGE_NODES.get(storage, NODES)
    troubles = random.random()
    makers = {
        "publish": (lambda: (_client(random), _channel(random), random.choice((0, 0, 0, 900))), 40),
        "burst": (lambda: (_client(random), *random.sample(CHANNELS, 2), random.choice((3, 4, 8))), 4),
        "miss": (lambda: (_client(random), random.choice(KEPT), _client(random), random.choice((1, 1, 2, 5, 9))), 6),
        "crowd": (lambda: (_client(random), _channel(random), _client(random), random.choice((1, 2))), 4),
        "ahead": (
            lambda: (_client(random), random.choice(KEPT), random.randrange(nodes), random.randrange(4)),
            2 * troubles,
        ),
        "outage": (
            lambda: (random.randrange(nodes), random.choice(KEPT), _client(random), random.choice((1, 5, 12))),
            troubles,
        ),
        "flood": (lambda: (_client(random), _client(random), random.choice((3, 10, 30))), 2),
        "connect": (lambda: (_client(random), random.randrange(nodes)), 14),
        "subscribe": (lambda: (_client(random), _channel(random)), 24),
        "unsubscribe": (lambda: (_client(random), _channel(random)), 6),
        "wait": (lambda: (random.choice((1, 2, 5, 10, 30, 90)),), 10),
        "close": (lambda: (_client(random),), 2),
        "abort": (lambda: (_client(random),), 3),
        "start": (lambda: (random.randrange(nodes),), 4),
        "stall": (lambda: (_client(random),), 2),
        "read": (lambda: (_client(random),), 3),
        "silence": (lambda: (_client(random),), 0.5),
        "drain": (lambda: (random.randrange(nodes),), 0.7),
        "kill": (lambda: (random.randrange(nodes),), 0.5),
        "freeze": (lambda: (random.randrange(nodes),), 0.6),
        "thaw": (lambda: (random.randrange(nodes),), 1.5),
        "jump": (lambda: (random.choice((10, 60, 200)),), 0.2),
        "rest": (tuple, 1),
        "away": (lambda: (random.randrange(nodes),), 1.5 * troubles),
        "back": (lambda: (random.randrange(nodes),), 3 * troubles),
        "cut": (lambda: (random.randrange(nodes),), troubles),
        "lose": (lambda: (random.randrange(nodes),), troubles),
        "slow": (lambda: (random.randrange(nodes), random.choice((0, 0, 2, 20, 100))), 4 * troubles),
        "lapse": (lambda: (_client(random), random.choice(KEPT), _client(random), random.choice((1, 5))), troubles),
        "forget": (tuple, 0.2 * troubles),
    }
    if storage == "redis":
        makers |= {
            "cut_ear": (lambda: (random.randrange(nodes),), troubles),
            "fail_over": (lambda: (random.choice((0, 1, 3, 10, 100)),), 0.5 * troubles),
            "set_clock": (lambda: (random.choice((0, 55, 61, 80, 120)),), 0.2 * troubles),
            "freeze_storage": (tuple, 0.4 * troubles),
            "thaw_storage": (tuple, troubles),
        }
    for verb in WITHOUT.get(storage, ()):
        del makers[verb]
    verbs = random.choices(list(makers), [weight for _, weight in makers.values()], k=count)
    steps: list[Step] = [(verb, *makers[verb][0]()) for verb in verbs]
    for _ in range(random.randrange(3)):
        steps[random.randrange(count)] = ("reload", random.randrange(nodes), random.choice((0, 4096, 1 << 24)))
    return Schedule(storage, seed, tuple(steps))


def _client(random: Random) -> int:
    return random.randrange(CLIENTS)


def _channel(random: Random) -> str:
    return random.choice(CHANNELS)
