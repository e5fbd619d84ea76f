"""Lines of JSON, without secrets."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from filtered_websocket.monitoring.secrets import without_secrets

MAY_HOLD_SECRETS = ("path", "channel", "reason", "text")


def line(record: Mapping[str, Any]) -> bytes:
    """
    :param record: field -> value; ``time`` in seconds of the epoch; ``text`` as bytes, maybe cut off within a character
    """
    shown = dict(record)
    if "time" in shown:
        moment = datetime.fromtimestamp(shown["time"], UTC)
        shown["time"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if "text" in shown:
        shown["text"] = shown["text"].decode("utf-8", "ignore")
    for name in MAY_HOLD_SECRETS:
        if name in shown:
            shown[name] = without_secrets(shown[name])
    return json.dumps(shown, separators=(",", ":")).encode() + b"\n"
