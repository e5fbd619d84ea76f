"""The event loop of the asyncio peers: uvloop, which each of them does better on; BENCH_LOOP=asyncio to see that."""

import asyncio
import os

import uvloop


def new_event_loop():
    return asyncio.new_event_loop() if os.environ.get("BENCH_LOOP") == "asyncio" else uvloop.new_event_loop()


def run(main):
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main)
