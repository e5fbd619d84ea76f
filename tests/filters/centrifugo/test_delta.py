import json

from filtered_websocket.filters.centrifugo.delta import Delta
from filtered_websocket.filters.centrifugo.envelope import LEAVE, PATCH, PUBLICATION, Envelope, pack, unpack
from filtered_websocket.messages.batch import Batch
from tests.filters.centrifugo.test_fossil import applied

LONG = b'{"text":"' + b"long " * 20 + b'"}'
OTHER = LONG.replace(b"long long", b"long lang", 1)


def test_the_first_is_whole_and_others_are_patches_if_they_may_be_and_are_shorter():
    envelopes = [Envelope(LONG, delta=True), Envelope(OTHER, delta=True), Envelope(LONG), Envelope(b"1", delta=True)]
    made, after = Delta(binary=True).of(envelopes)
    assert [each.kind for each in made] == [PUBLICATION, PATCH, PUBLICATION, PUBLICATION]
    assert applied(LONG, made[1].data) == OTHER
    assert [made[place].data for place in (0, 2, 3)] == [LONG, LONG, b"1"]
    assert after == Delta(True, b"1")


def test_to_clients_of_json_all_data_are_texts():
    made, _ = Delta(binary=False).of([Envelope(LONG, delta=True), Envelope(OTHER, delta=True)])
    assert json.loads(made[0].data).encode() == LONG
    assert applied(LONG, json.loads(made[1].data).encode()) == OTHER


def test_what_is_no_publication_is_passed_on():
    made, after = Delta(True, b"x").of([Envelope(b"news", LEAVE)])
    assert (made, after) == ([Envelope(b"news", LEAVE)], Delta(True, b"x"))


def test_clients_that_have_had_the_same_share_what_is_made():
    batch = Batch("news", [[pack(Envelope(OTHER, delta=True, offset=2))]])
    one, other = Delta(True, LONG), Delta(True, bytes(bytearray(LONG)))
    first = batch.encoded(("delta", one), one.of_batch)
    assert batch.encoded(("delta", other), other.of_batch) is first
    assert unpack(first[0].groups[0][0]).offset == 2
