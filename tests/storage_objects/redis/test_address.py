"""Redis addresses: every form, and what is refused."""

from types import SimpleNamespace

import pytest

from filtered_websocket.errors import ConfigError
from filtered_websocket.storage_objects.redis.address import (
    Address,
    addresses,
    fit,
    parse_sentinel,
    parse_shard,
    parse_url,
)
from filtered_websocket.storage_objects.redis.options import OPTIONS
from filtered_websocket.transport.trust import Trust


def options(**given):
    return SimpleNamespace(**({option.name: option.default for option in OPTIONS} | given))


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://", Address("localhost:6379")),
        ("redis://host:1/2", Address("host:1/2", "host", 1, db=2)),
        ("rediss://u%40:p%2F@host", Address("host:6379", "host", tls=True, username="u@", password="p/")),
        ("redis://:secret@[::1]:7", Address("::1:7", "::1", 7, password="secret")),
        ("unix:///run/redis.sock?db=3", Address("unix:/run/redis.sock", path="/run/redis.sock", db=3)),
        ("redis://h/0?password=pw", Address("h:6379", "h", password="pw")),
        ("redis://h?password=p%2Fw%26&username=u&db=2", Address("h:6379/2", "h", username="u", password="p/w&", db=2)),
        ("redis://:own@h/1?password=other&db=2", Address("h:6379/2", "h", password="own", db=2)),  # as in redis-py
        ("unix:///s?password=pw&client_name=chat", Address("unix:/s", path="/s", password="pw", client_name="chat")),
        (
            "redis://h?socket_connect_timeout=0.5&socket_timeout=2&socket_keepalive=True",
            Address("h:6379", "h", connect_timeout=0.5, timeout=2.0, keepalive=True),
        ),
        (
            "redis://h?socket_keepalive=no&decode_responses=True&protocol=3&health_check_interval=30&max_connections=9",
            Address("h:6379", "h"),
        ),
        (
            "rediss://h?ssl_ca_certs=/ca.pem&ssl_certfile=/c.pem&ssl_keyfile=/k.pem&ssl_password=pw&ssl_min_version=772",
            Address(
                "h:6379",
                "h",
                tls=True,
                trust=Trust("/ca.pem", certificate="/c.pem", key="/k.pem", password="pw", lowest=772),
            ),
        ),
        (
            "rediss://h?ssl_cert_reqs=none&ssl_check_hostname=false&ssl_ca_path=/f&ssl_ciphers=A:B&ssl_ca_data=x",
            Address("h:6379", "h", tls=True, trust=Trust("", "/f", "x", verify=False, names=False, ciphers="A:B")),
        ),
        ("unix://:p@/run/redis.sock", Address("unix:/run/redis.sock", path="/run/redis.sock", password="p")),
    ],
)
def test_a_url_is_read(url, address):
    assert parse_url(url) == address
    assert "p/" not in address.name


@pytest.mark.parametrize("url", ["http://host", "host", "", "redis://host:port", "redis://host/name", "unix://"])
def test_what_is_no_redis_url_is_refused_without_repeating_it(url):
    with pytest.raises(ValueError, match="wanted"):
        parse_url(url)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("passwort=secret", "passwort"),
        ("ssl_validate_ocsp=true", "ssl_validate_ocsp"),
        ("PASSWORD=secret", "PASSWORD"),
        ("password=secret&password=other", "password"),
        ("db=secret", "db"),
        ("db=-1", "db"),
        ("socket_timeout=secret", "socket_timeout"),
        ("socket_timeout=nan", "socket_timeout"),
        ("max_connections=secret", "max_connections"),
        ("ssl_cert_reqs=secret", "ssl_cert_reqs"),
        ("ssl_min_version=770", "ssl_min_version"),
        ("ssl_keyfile=secret", "ssl_certfile"),
    ],
)
def test_an_option_that_there_is_not_or_of_a_wrong_value_is_refused_by_its_name(query, name):
    with pytest.raises(ValueError, match=rf"wanted.*\b{name}\b|\b{name}\b.*wanted") as refused:
        parse_url(f"rediss://host?{query}")
    assert "secret" not in str(refused.value)


def test_an_option_of_tls_wants_tls():
    for url in ("redis://host?ssl_ca_certs=/ca.pem", "unix:///s?ssl_ca_certs=/ca.pem"):
        with pytest.raises(ValueError, match=r"rediss:// is wanted for the option ssl_ca_certs"):
            parse_url(url)


def test_no_refusal_repeats_a_password():
    for url in (
        "http://:secret@host",
        "redis://:secret@host:port",
        "redis://:secret@host/name",
        "redis://:sec#secret@host",
        "redis://:secret/secret@host",
        "redis://:secret[@host",
        "redis://host/1#secret",
        "redis://:secret\uff0f@host",
    ):
        with pytest.raises(ValueError, match="wanted") as refused:
            parse_url(url)
        assert "secret" not in str(refused.value)


def test_sentinels_and_shards_are_read():
    assert parse_sentinel("main@a,b:1,[::1]:2") == ("main", (("a", 26379), ("b", 1), ("::1", 2)))
    assert parse_shard("host") == Address("host:6379", "host")
    assert parse_shard("unix:///s").path == "/s"
    for text in ("main", "@a", "main@", "main@a/b"):
        with pytest.raises(ValueError, match="wanted"):
            parse_sentinel(text)
    with pytest.raises(ValueError, match="wanted"):
        parse_shard("user@host")


def test_options_fill_what_a_url_leaves_open():
    (address,) = addresses(options(redis_host="h", redis_port=1, redis_password="p", redis_username="u", redis_db=2))
    assert address == Address("h:1", "h", 1, username="u", password="p", db=2)
    (address,) = addresses(options(redis_url="redis://:own@h", redis_password="p"))
    assert address.password == "own"
    (address,) = addresses(options(redis_url="rediss://h?ssl_ca_certs=/own", redis_ca="/ca"))
    assert address.trust.authorities == "/own"
    (address,) = addresses(options(redis_url="rediss://h?ssl_cert_reqs=required", redis_ca="/ca"))
    assert address.trust.authorities == "/ca"
    assert [one.name for one in addresses(options(redis_shards=["a", "redis://b:1"]))] == ["a:6379", "b:1"]
    with pytest.raises(ConfigError, match="exclude"):
        addresses(options(redis_url="redis://a", redis_shards=["b"]))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"redis_sentinel": "m@b"}, "redis_cluster and redis_sentinel exclude each other"),
        ({"redis_url": "redis://a/2"}, "has no database 2: use redis_key"),
        ({"redis_db": 1}, "has no database 1: use redis_key"),
        ({"redis_url": "unix:///s"}, "by TCP, not at unix:/s"),
        ({"redis_key": "f{w}s"}, "redis_key has no { and }"),
    ],
)
def test_what_a_cluster_does_not_have_is_refused(given, says):
    with pytest.raises(ConfigError, match=says):
        addresses(options(redis_cluster=True, **given))


def test_the_addresses_of_a_cluster_are_where_to_ask_and_one_user_serves_all():
    seeds = addresses(options(redis_cluster=True, redis_shards=["a:1", "rediss://u:p@b:2"], redis_password="q"))
    assert [(seed.host, seed.port, seed.password) for seed in seeds] == [("a", 1, "q"), ("b", 2, "p")]


def test_every_option_refuses_nonsense():
    by_name = {option.name: option for option in OPTIONS}
    for name, value in {
        "redis_url": "nonsense",
        "redis_sentinel": "nonsense",
        "redis_shards": ["http://a"],
        "redis_port": 0,
        "redis_db": -1,
        "redis_heartbeat": 0,
        "lease_seconds": 0,
    }.items():
        with pytest.raises(ValueError, match="wanted"):
            by_name[name].parse(value)
    assert by_name["redis_url"].parse("redis://a") == "redis://a"
    assert by_name["redis_sentinel"].parse("m@a") == "m@a"
    assert by_name["redis_shards"].parse("a b") == ["a", "b"]
    assert all(by_name[name].secret for name in ("redis_url", "redis_password", "redis_shards"))


def test_names_are_spread_over_shards_and_one_shard_more_moves_only_its_own():
    shards = [parse_shard(f"redis-{number}.lan") for number in range(4)]
    names = [f"room {number}".encode() for number in range(400)]

    def chosen(among):
        return {name: max(among, key=lambda shard: fit(shard, name)) for name in names}

    before, after = chosen(shards[:3]), chosen(shards)
    assert all(100 <= list(before.values()).count(shard) <= 170 for shard in shards[:3])
    assert {after[name] for name in names if after[name] != before[name]} == {shards[3]}


def test_an_address_is_reached_by_what_the_storage_object_was_given():
    reached = []

    def reach(host, port, timeout):
        reached.append((host, port, timeout))
        return "endpoint"

    [address] = addresses(options(), reach)
    assert address.endpoint(5) == "endpoint"
    [address] = addresses(options(redis_url="redis://h:7?socket_connect_timeout=2"), reach)
    assert address.endpoint(5) == "endpoint"
    assert reached == [("localhost", 6379, 5), ("h", 7, 2.0)]
