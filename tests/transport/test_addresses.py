"""Addresses of sockets, as Twisted has them and as clients would write them."""

import socket

import pytest
from twisted.internet.address import IPv4Address, IPv6Address

from filtered_websocket.transport.addresses import address, addresses_of, dotted, to_bind
from tests.support.listening import link_local


@pytest.mark.parametrize(
    ("name", "host"),
    [
        (("::ffff:192.0.2.7", 5, 0, 0), "192.0.2.7"),
        (("192.0.2.7", 5), "192.0.2.7"),
        (("::1", 5, 0, 0), "::1"),
        (("::ffff:1:2", 5, 0, 0), "::ffff:1:2"),
        (("fe80::1", 5, 0, 3), "fe80::1"),
    ],
)
def test_an_ipv4_peer_of_an_ipv6_socket_has_the_address_it_has_elsewhere(name: tuple[object, ...], host: str) -> None:
    assert dotted(name)[0] == host
    found = address(name)
    assert (found.host, found.port) == (host, 5)
    assert isinstance(found, IPv6Address if ":" in host else IPv4Address)


def test_a_port_of_one_family_has_one_url_and_one_of_both_has_two() -> None:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        port = opened.getsockname()[1]
        assert addresses_of(opened, False) == [f"ws://127.0.0.1:{port}"]
        assert addresses_of(opened, True) == [f"wss://127.0.0.1:{port}"]
    for both, more in ((False, []), (True, ["ws://0.0.0.0:"])):
        with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=both) as opened:
            port = opened.getsockname()[1]
            assert addresses_of(opened, False) == [*(f"{url}{port}" for url in more), f"ws://[::]:{port}"]


def test_what_to_bind_a_socket_to_keeps_the_scope_of_an_address() -> None:
    assert to_bind("127.0.0.1", 80) == ("127.0.0.1", 80)
    assert to_bind("", 80) == ("", 80)
    assert to_bind("::1", 80) == ("::1", 80, 0, 0)
    with_scope, _, interface = link_local().partition("%")
    bound = to_bind(f"{with_scope}%{interface}", 80)
    assert bound[1] == 80
    assert bound[3] == socket.if_nametoindex(interface)
    packed = [socket.inet_pton(socket.AF_INET6, each.partition("%")[0]) for each in (bound[0], with_scope)]
    assert packed[0] == packed[1]


def test_what_is_no_address_is_no_name_that_is_looked_up() -> None:
    with pytest.raises(OSError, match=r"."):
        to_bind("no:such:address", 80)
