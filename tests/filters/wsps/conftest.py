import sys

import pytest

from filtered_websocket.commands.fws_server.assembly import Assembly
from tests.filters.wsps.clients import WSPS


@pytest.fixture
def options(tmp_path, monkeypatch):
    """Options as fws_server resolves them, beside a local_settings.py of this text."""

    def options(*argv, local="", **environ):
        (tmp_path / "local_settings.py").write_text(local)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "local_settings", raising=False)
        assembly = Assembly(["-f", WSPS, *argv], environ)
        assembly.load()
        return assembly.options()

    return options
