"""The options of Redis storage."""

from typing import Any

from filtered_websocket.config.option import Option
from filtered_websocket.config.parsers import boolean, integer, seconds, text, words
from filtered_websocket.storage_objects.redis.address import parse_sentinel, parse_shard, parse_url


def _url(value: Any) -> str:
    parse_url(text(value))
    return text(value)


def _sentinel(value: Any) -> str:
    parse_sentinel(text(value))
    return text(value)


def _shards(value: Any) -> list[str]:
    for word in words(value):
        parse_shard(word)
    return words(value)


OPTIONS = (
    Option("redis_host", text, "localhost", "host of the Redis server"),
    Option("redis_port", integer(1, 65535), 6379, "port of the Redis server"),
    Option("redis_channels", words, ["global"], "Redis channels whose messages enter the consumer chains", many=True),
    Option("redis_key", text, "fws", "prefix of the keys and channels in Redis"),
    Option("redis_url", _url, "", "redis://, rediss:// or unix:// URL, instead of host and port", secret=True),
    Option("redis_username", text, "", "user name at Redis"),
    Option("redis_password", text, "", "password at Redis", secret=True),
    Option("redis_db", integer(0, 65535), 0, "number of the Redis database"),
    Option("redis_ca", text, "", "PEM file of authorities for rediss:// certificates; the system's by default"),
    Option("redis_sentinel", _sentinel, "", "MASTER@HOST:PORT,HOST:PORT of Sentinels, instead of host and port"),
    Option("redis_shards", _shards, [], "several HOST:PORT or URLs to spread channels over", many=True, secret=True),
    Option("redis_cluster", boolean, False, "a Redis Cluster; the others name one or several of its servers"),
    Option("redis_heartbeat", seconds(0.05, 60), 1.0, "between heartbeats; with three lost Redis is away", "seconds"),
    Option("redis_queue", integer(0, 1_000_000), 0, "writes kept while Redis is away; 0: refuse them"),
    Option("lease_seconds", seconds(0.3, 3600), 15.0, "after which a dead node's members are gone", "seconds"),
)  # fmt: skip
