import pytest

from filtered_websocket.config import Option, boolean, integer, json_value, size, text, words
from filtered_websocket.errors import ConfigError

PORT = Option("port", integer(0, 65535), 9000, "where to listen", flags=("-p",))
KEY = Option("key", text, None, "PEM private key", flags=("-key",))
CERT = Option("cert", text, None, "PEM certificate", flags=("-cert",))
COMPRESSION = Option("compression", boolean, False, "permessage-deflate", switch=True)
MESSAGE = Option(
    "max_message_size", size(1, 1 << 30), 1 << 20, "100% of one message", unit="bytes", flags=("-m",), scope="pipeline"
)
SECRET = Option("admin_secret", text, "", "opens the dashboard", secret=True)
ORIGINS = Option("allowed_origins", words, [], "origins of pages", many=True)
APPS = Option("apps", json_value(dict), {}, "apps by key", scope="pipeline", secret=True)
STORAGE = Option("storage", text, "memory", "module of storage", environment=("STORAGE_OBJECT_MODULE",))
SERVER = (PORT, KEY, CERT, COMPRESSION, MESSAGE, SECRET, ORIGINS, APPS, STORAGE)
PHILOTE_SECRET = Option("philote_secret", text, "", "signs tokens", secret=True)


def faults(configuration, kind=ConfigError):
    with pytest.raises(ConfigError) as raised:
        configuration.resolve()
    assert type(raised.value) is kind
    assert all(fault.isprintable() for fault in raised.value.faults)
    return list(raised.value.faults)
