"""Text of others as a log, a terminal or an error may show it."""


def printable(text: str, newlines: bool = False) -> str:
    """The text with everything escaped that could steer a terminal or begin a line of its own.

    >>> printable("a\\x1b[2Jb\\u009b")
    'a\\\\x1b[2Jb\\\\x9b'

    :param newlines: leave line ends and tabs as they are
    """
    if text.isprintable():
        return text
    kept = "\n\t" if newlines else ""
    return "".join(
        each if each.isprintable() or each in kept else each.encode("unicode_escape").decode("ascii") for each in text
    )
