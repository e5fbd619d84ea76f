"""The event loop of the asyncio peers: asyncio's own, or with BENCH_LOOP=uvloop the one many people run them on."""

import asyncio
import os

import uvloop


def new_event_loop():
    return uvloop.new_event_loop() if os.environ.get("BENCH_LOOP") == "uvloop" else asyncio.new_event_loop()


def run(main):
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main)
