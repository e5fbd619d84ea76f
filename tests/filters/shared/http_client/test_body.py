"""A body that is there in one piece is written at once."""

from twisted.internet.testing import StringTransport

from filtered_websocket.filters.shared.http_client.body import Body


def test_it_is_written_at_once_and_its_length_is_known():
    body, consumer = Body(b"some bytes"), StringTransport()
    assert body.length == 10
    assert body.startProducing(consumer).called
    assert consumer.value() == b"some bytes"
