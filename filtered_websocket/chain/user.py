"""The name of the user of a connection, of whatever kind."""

from filtered_websocket.chain.interfaces import Pipeline


def check_user(name: str | None) -> str | None:
    """
    :param name: as a filter gives it; None for nobody that is known
    :returns: the same
    :raises TypeError: it is no name
    """
    if name is not None and not isinstance(name, str):
        raise TypeError(f"a user is named by a str, or None, not by {type(name).__name__}")
    return name


class Named:
    """A session that no connection of its own stands for: a filter, or its pack, says whose it is.

    :ivar opened: it has been let in
    :ivar ended: it is not there any more
    """

    pipeline: Pipeline
    opened = ended = False
    _user: str | None = None

    @property
    def user(self) -> str | None:
        return self._user

    @user.setter
    def user(self, value: str | None) -> None:
        self._user = check_user(value)
        if self.opened and not self.ended:
            self.pipeline.server.user_named(self)
