import pytest

from filtered_websocket.messages import frames
from filtered_websocket.messages.batch import PLAIN, Batch, Rest, Row

ONE, OTHER = (b"one", False), (b"\xff", True)


def test_a_batch_is_framed_once():
    batch = Batch("room", ((ONE, OTHER),))
    assert batch.plain == frames.make(*ONE) + frames.make(*OTHER)
    assert batch.plain is batch.plain
    assert batch.deflated(15) is batch.deflated(15)
    assert batch.deflated(15) == frames.make_deflated(*ONE, 15) + frames.make_deflated(*OTHER, 15)


def test_an_encoding_of_some_subscribers_is_made_once_for_all_of_them():
    made = []

    def encode(batch):
        made.append(batch)
        return b"encoded"

    batch = Batch("room", ((ONE,),))
    assert [batch.encoded(name, encode) for name in ("a", "a", "b")] == [b"encoded"] * 3
    assert made == [batch, batch]


def test_what_was_published_together_is_split_off_together():
    batch = Batch("room", ((ONE, OTHER), (ONE,)))
    assert [(each.channel, tuple(each.messages)) for each in batch.split()] == [
        ("room", (ONE, OTHER)),
        ("room", (ONE,)),
    ]
    alone = Batch("room", ((ONE, OTHER),))
    assert list(alone.split()) == [alone]


@pytest.mark.parametrize("missed", [(0,), (1,), (3,), (0, 1), (1, 2), (0, 3), (0, 1, 3)])
def test_the_rest_of_a_batch_is_that_batch_without_some_of_its_groups(missed):
    groups = ((ONE, OTHER), (OTHER,), ((b"x" * 70_000, True), ONE), (ONE,))
    whole = Batch("room", groups)
    rest = Rest(whole, missed)
    alone = Batch("room", [group for place, group in enumerate(groups) if place not in missed])
    assert (rest.channel, rest.messages) == ("room", alone.messages)
    assert rest.groups == alone.groups
    assert (rest.plain, rest.deflated(9), rest.deflated(15)) == (alone.plain, alone.deflated(9), alone.deflated(15))
    assert whole.cut(PLAIN, missed) == alone.plain
    assert [each.messages for each in rest.split()] == [each.messages for each in alone.split()]
    assert whole.plain == Batch("room", groups).plain


def test_what_many_are_the_rest_of_is_framed_and_compressed_once(monkeypatch):
    made, make, make_deflated = [], frames.make, frames.make_deflated
    monkeypatch.setattr(frames, "make", lambda *args: made.append(args) or make(*args))
    monkeypatch.setattr(frames, "make_deflated", lambda *args: made.append(args) or make_deflated(*args))
    whole = Batch("room", [(ONE,)] * 50)
    for place in range(50):
        rest = Rest(whole, (place,))
        assert len(rest.plain) == 49 * len(make(*ONE))
        assert rest.deflated(9) == make_deflated(*ONE, 9) * 49
    assert whole.plain == make(*ONE) * 50
    assert len(made) == 50 + 50


def test_a_row_is_its_batches_one_behind_the_other():
    batches = [Batch("x", (((b"%d" % number, False),),)) for number in range(3)]
    row = Row("x", batches)
    assert row.plain == b"".join(each.plain for each in batches)
    assert row.deflated(9) == b"".join(each.deflated(9) for each in batches)
    assert row.deflated(9) is row.deflated(9)
    assert row.messages == [(b"0", False), (b"1", False), (b"2", False)]
    assert list(row.split()) == batches


class Louder:
    """An encoding."""

    made = 0

    def encode(self, messages, channel):
        self.made += 1
        return [(payload.upper() + channel.encode(), binary) for payload, binary in messages]


def test_a_row_is_encoded_once_for_whatever_rows_its_batches_are_in():
    louder, batches = Louder(), [Batch("x", (((payload, False),),)) for payload in (b"a", b"b", b"c")]
    rows = [Row("x", batches), Row("x", batches[1:])]
    assert [row.plain_in(louder) for row in rows] == [
        b"".join([frames.make(payload + b"x", False) for payload in payloads])
        for payloads in ((b"A", b"B", b"C"), (b"B", b"C"))
    ]
    assert louder.made == 3
