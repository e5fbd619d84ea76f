"""What is measured: each workload as the generator's arguments (load/wsload.c)."""

from typing import NamedTuple


class Workload(NamedTuple):
    name: str
    title: str
    arguments: str
    entry: str = "rooms"  # how a row's clients enter: Row.rooms or Row.echo
    descriptors: int = 1100  # open files that the server and the generator need, each


WORKLOADS = (
    Workload("fan1000", "1,000 subscribers, one message in flight", "--mode fanout -n 1000 -w 1 -s 128"),
    Workload("fan1000w16", "1,000 subscribers, 16 messages in flight", "--mode fanout -n 1000 -w 16 -s 128"),
    Workload("pair", "100 channels x 10, everybody publishes", "--mode pair --channels 100 -n 1000 -w 1 -s 128"),
    Workload("echo1", "echo, 100 clients, one in flight each", "--mode echo -n 100 -w 1 -s 64", "echo"),
    Workload("echo16", "echo, 100 clients, 16 in flight each", "--mode echo -n 100 -w 16 -s 64", "echo"),
    Workload("idle", "10,000 idle connections", "--mode idle -n 10000 --hold 1", descriptors=10100),
)
IDLE = "idle"
