"""The name of the user of a connection, of whatever kind."""


def check_user(name: str | None) -> str | None:
    """
    :param name: as a filter gives it; None for nobody that is known
    :returns: the same
    :raises TypeError: it is no name
    """
    if name is not None and not isinstance(name, str):
        raise TypeError(f"a user is named by a str, or None, not by {type(name).__name__}")
    return name
