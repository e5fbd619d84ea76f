"""The page of options."""

from filtered_websocket.config import Option, documentation, text
from filtered_websocket.config.declarations import PIPELINES
from tests.support.declared_options import MESSAGE, PORT, STORAGE


def test_the_documentation_is_a_table_of_what_is_declared(configure):
    assert documentation(
        {"server": [PORT, MESSAGE, STORAGE], "mine": [Option("bar", text, "a|b", "a|b", secret=True)]}
    ) == (
        "## server\n\n"
        "| name | flag | environment | default | unit | help |\n"
        "|---|---|---|---|---|---|\n"
        "| `port` | `-p`, `--port` | `FWS_PORT` | `9000` |  | where to listen |\n"
        "| `max_message_size` | `-m`, `--max_message_size` | `FWS_MAX_MESSAGE_SIZE` | `1048576` | bytes "
        "| 100% of one message (each pipeline may have its own) |\n"
        "| `storage` | `--storage` | `FWS_STORAGE`, `STORAGE_OBJECT_MODULE` | `memory` |  | module of storage |\n"
        "\n## mine\n\n"
        "| name | flag | environment | default | unit | help |\n"
        "|---|---|---|---|---|---|\n"
        "| `bar` | `--bar` | `FWS_BAR` | `hidden` |  | a\\|b |\n"
    )
    assert "`filters`" in documentation(configure().declared)
    assert PIPELINES in configure().declared["fws_server"]
