"""What TLS says itself, and what a client may make of it. (That TLS gives the same as plain: test_fast_path.py.)"""

import socket
from contextlib import suppress
from pathlib import Path

import pytest

from filtered_websocket.transport.decrypting import BARREN
from tests.support import certificates
from tests.support.raw_client import frame, head
from tests.support.reactor_thread import call, until
from tests.support.serving import on_message, serving
from tests.support.tls_records import Records, shaken_hands


def test_key_updates_are_followed_and_answered(files: certificates.Files, tmp_path: Path) -> None:
    got = []
    with serving(
        on_message(lambda connection, data: got.append(bytes(data))), key=files.key, cert=files.cert
    ) as served:
        with shaken_hands(served.address, tmp_path) as (plain, records):
            plain.sendall(records.record(head()))
            for number in range(20):
                plain.sendall(records.key_update(bool(number % 2)) + records.record(frame(str(number))))
            until(lambda: len(got) == 20)
        assert got == [str(number).encode() for number in range(20)]
        served.until_empty()


@pytest.mark.quiet
@pytest.mark.parametrize("asks", [False, True])
def test_a_client_that_sends_nothing_but_key_updates_is_cut_off(
    files: certificates.Files, tmp_path: Path, asks: bool
) -> None:
    with serving(key=files.key, cert=files.cert, ping_interval=0) as served:
        with shaken_hands(served.address, tmp_path) as (plain, records):
            plain.sendall(records.record(head()))
            until(lambda: served.users)  # read together with the head they would count as something for the protocol
            with suppress(OSError):
                plain.sendall(b"".join([records.key_update(asks) for _ in range(2 * BARREN // 27)]))
            served.until_counted("closed", "TLS error")
        served.until_empty()


@pytest.mark.quiet
def test_a_client_that_asks_for_key_updates_and_reads_none_is_cut_off(
    files: certificates.Files, tmp_path: Path
) -> None:
    sent = 0

    def ask(plain: socket.socket, records: Records) -> None:
        nonlocal sent
        while True:
            # Between them always something for the protocol.
            asked = b"".join([records.key_update(True) for _ in range(200)] + [records.record(frame("x"))])
            plain.sendall(asked)
            sent += len(asked)

    options = {"key": files.key, "cert": files.cert, "ping_interval": 0, "send_timeout": 600}
    with serving(on_message(lambda connection, data: None), **options) as served:
        with shaken_hands(served.address, tmp_path, receive_buffer=4096) as (plain, records):
            plain.sendall(records.record(head()))
            until(lambda: served.users)
            call(served.connection().stream.socket.setsockopt, socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            with pytest.raises(OSError, match=r"reset|pipe"):
                ask(plain, records)
            served.until_counted("closed", "TLS error")
        served.until_empty()


@pytest.mark.parametrize("size", [1, 100, 5_000])
def test_a_record_that_trickles_in_is_no_flood(files: certificates.Files, tmp_path: Path, size: int) -> None:
    got: list[bytes] = []
    with (
        serving(on_message(lambda connection, data: got.append(bytes(data))), key=files.key, cert=files.cert) as served,
        shaken_hands(served.address, tmp_path) as (plain, records),
    ):
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sent = records.record(head()) + b"".join(records.record(frame(b"x" * 16_000)) for _ in range(2))
        for at in range(0, len(sent), size):
            plain.sendall(sent[at : at + size])
        until(lambda: len(got) == 2)
