import json

import pytest

from filtered_websocket.config import Configuration
from tests.support.declared_options import SERVER


@pytest.fixture
def configure(tmp_path, monkeypatch):
    """Options of argv, environment and the text or the object of config.json."""
    monkeypatch.chdir(tmp_path)

    def configure(*argv, environ=(), file=None):
        if file is not None:
            content = file if isinstance(file, str) else json.dumps(file)
            (tmp_path / "config.json").write_text(content, encoding="utf-8")
            argv = ("-c", "config.json", *argv)
        configuration = Configuration(argv, dict(environ))
        configuration.declare(SERVER, "server")
        return configuration

    return configure
