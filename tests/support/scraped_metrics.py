"""Metrics as a server tells them, made by hand."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


def scraped(moment: float, born: float, messages: int, ticks: list[float]) -> str:
    registry = CollectorRegistry()
    Gauge("fws_ready", "", registry=registry).set(1)
    Gauge("process_start_time_seconds", "", registry=registry).set(born)
    Gauge("fws_connections", "", ["pipeline"], registry=registry).labels("*").set(3)
    Counter("fws_messages_received", "", ["pipeline"], registry=registry).labels("*").inc(messages)
    lag = Histogram("fws_reactor_lag_seconds", "", buckets=(0.01, 0.1, 1), registry=registry)
    for tick in ticks:
        lag.observe(tick)
    return generate_latest(registry).decode()
