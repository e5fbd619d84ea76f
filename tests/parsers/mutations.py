"""Inputs that are nearly right: what a grammar makes, changed in a place or two."""

from hypothesis import strategies as st


@st.composite
def mutated(draw: st.DrawFn, valid: st.SearchStrategy[bytes], tokens: st.SearchStrategy[bytes]) -> bytes:
    """
    :param valid: what is right, or nearly so
    :param tokens: what means something to a parser, to be put anywhere
    """
    data = draw(valid)
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 1, 2]))):
        at, size = draw(st.integers(0, len(data))), draw(st.sampled_from([0, 0, 1, 1, 2, 5]))
        data = data[:at] + draw(tokens) + data[at + size :]
    return data
