from filtered_websocket.messages import frames
from filtered_websocket.messages.batch import Batch

ONE, OTHER = (b"one", False), (b"\xff", True)


def test_a_batch_is_framed_once():
    batch = Batch("room", (ONE, OTHER))
    assert batch.plain == frames.make(*ONE) + frames.make(*OTHER)
    assert batch.plain is batch.plain
    assert batch.deflated(15) is batch.deflated(15)
    assert batch.deflated(15) == frames.make_deflated(*ONE, 15) + frames.make_deflated(*OTHER, 15)


def test_an_encoding_of_some_subscribers_is_made_once_for_all_of_them():
    made = []

    def encode(batch):
        made.append(batch)
        return b"encoded"

    batch = Batch("room", (ONE,))
    assert [batch.encoded(name, encode) for name in ("a", "a", "b")] == [b"encoded"] * 3
    assert made == [batch, batch]


def test_what_was_published_together_is_split_off_together():
    batch = Batch("room", (ONE, OTHER, ONE), ((ONE, OTHER), (ONE,)))
    assert [(each.channel, tuple(each.messages)) for each in batch.split()] == [
        ("room", (ONE, OTHER)),
        ("room", (ONE,)),
    ]
    alone = Batch("room", (ONE, OTHER))
    assert list(alone.split()) == [alone]
