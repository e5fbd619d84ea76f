"""Connections by address."""

import pytest

from filtered_websocket.limits.addresses import Addresses, forwarded, host_name, is_loopback, network, without_port


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("2001:db8:0:1::5", "2001:db8:0:1:ffff::"),
        ("fe80::1%eth0", "fe80::2%eth1"),
    ],
)
def test_addresses_of_one_client_are_one(one, other):
    assert network(one) == network(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("192.0.2.1", "192.0.2.2"), ("2001:db8:0:1::5", "2001:db8:0:2::5"), ("a proxy's word", "another")],
)
def test_addresses_of_two_clients_are_two(one, other):
    assert network(one) != network(other)


def test_an_address_has_as_many_as_it_may_until_one_ends():
    addresses = Addresses()
    assert addresses.enter("a", "192.0.2.1", 2)
    assert addresses.enter("b", "192.0.2.1", 2)
    assert not addresses.enter("c", "192.0.2.1", 2)
    assert addresses.enter("d", "192.0.2.2", 2)
    addresses.leave("c")
    assert not addresses.enter("c", "192.0.2.1", 2)
    addresses.leave("a")
    assert addresses.enter("c", "192.0.2.1", 2)


def test_what_was_handed_over_is_counted_until_the_other_ends():
    addresses = Addresses()
    assert addresses.enter("connection", "192.0.2.1", 1)
    addresses.hand_over("connection", "channel")
    addresses.leave("connection")
    assert not addresses.enter("another", "192.0.2.1", 1)
    addresses.leave("channel")
    assert addresses.enter("another", "192.0.2.1", 1)
    addresses.hand_over("never counted", "to")
    addresses.leave("to")
    assert len(addresses) == 1


def test_nothing_is_kept_of_clients_that_have_gone_or_were_refused():
    addresses = Addresses()
    for number in range(100):
        assert addresses.enter(number, f"192.0.2.{number}", 1)
        assert not addresses.enter("too many", f"192.0.2.{number}", 1)
    for number in range(100):
        addresses.leave(number)
    assert len(addresses) == 0
    assert not addresses._networks


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("192.0.2.2", "192.0.2.2"),
        ("192.0.2.2:40000", "192.0.2.2"),
        ("2001:db8::1", "2001:db8::1"),
        ("::1", "::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:40000", "2001:db8::1"),
        ('"[2001:db8::1]:40000"', "2001:db8::1"),
        ("::ffff:192.0.2.2", "192.0.2.2"),
        ("[::ffff:192.0.2.2]:1", "192.0.2.2"),
        ("unknown", "unknown"),
        ("_hidden:1", "_hidden"),
    ],
)
def test_an_entry_of_a_proxy_is_an_address_without_its_port(entry, address):
    assert without_port(entry) == address


@pytest.mark.parametrize(
    ("header", "proxies", "entry"), [("a", 1, "a"), ("a, b,c ", 2, "b"), ("a", 2, ""), ("", 1, "")]
)
def test_of_a_list_that_proxies_add_to_the_outermost_trusted_one_has_written_an_entry(header, proxies, entry):
    assert forwarded(header, proxies) == entry


@pytest.mark.parametrize("name", ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_names_and_addresses_of_this_machine_are_loopback(name):
    assert is_loopback(name)


@pytest.mark.parametrize(
    "name",
    ["", "localhost.", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "0.0.0.0", "unix"],
)
def test_others_are_not(name):
    assert not is_loopback(name)


@pytest.mark.parametrize(
    ("host", "name"), [("A.b:80", "a.b"), ("[::1]:80", "::1"), ("[::1]", "::1"), ("h", "h"), ("", ""), (":80", "")]
)
def test_a_host_has_a_name(host, name):
    assert host_name(host) == name
