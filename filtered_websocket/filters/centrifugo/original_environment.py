"""Centrifugo's environment names, as the document that a file with the same settings would be."""

from typing import Any

from filtered_websocket.filters.centrifugo.config_file import PREFIX, Document
from filtered_websocket.filters.centrifugo.namespaces import ChannelOptions
from filtered_websocket.filters.centrifugo.original_settings import CHANNEL, OWN_KEYS, SETTINGS, STORAGE, SWITCHES
from filtered_websocket.messages.strict_json import loads

LISTED = f"{PREFIX}CHANNEL_NAMESPACES"


def from_environment(value: Any) -> Document:
    """The configuration in environment names, such as ``{"CENTRIFUGO_CLIENT_INSECURE": "true"}``.

    :raises ValueError: it is none
    """
    if isinstance(value, Document):
        return value
    if not isinstance(value, dict) or not all(isinstance(each, str) for pair in value.items() for each in pair):
        raise ValueError('a JSON object of names and texts is wanted, such as {"CENTRIFUGO_CLIENT_INSECURE": "true"}')
    content: dict[str, Any] = {}
    if value.get(LISTED):
        content["channel"] = {"namespaces": _listed(value[LISTED])}
    by_name = {
        PREFIX + path.upper().replace(".", "_"): path for path in (*SETTINGS, *SWITCHES, *STORAGE, OWN_KEYS, CHANNEL[2])
    }
    unknown = []
    for name, text in value.items():
        if not text or name == LISTED:
            continue
        if name in by_name:
            _put(content, by_name[name], text)
        elif not _put_channel(content, name, text):
            unknown.append(name)
    return Document("the environment", content, from_file=False, unknown=tuple(sorted(unknown)))


def _put(content: dict[str, Any], path: str, value: Any) -> None:
    *before, last = path.split(".")
    for name in before:
        content = content.setdefault(name, {})
    content[last] = value


def _listed(text: str) -> list[dict[str, Any]]:
    """The namespaces that there are: a JSON list of them, or their names.

    :raises ValueError: neither
    """
    if not text.startswith("["):
        return [{"name": name} for name in dict.fromkeys(text.split())]
    found = loads(text)
    if not all(isinstance(each, dict) and isinstance(each.get("name"), str) for each in found):
        raise ValueError(f"{LISTED}: names are wanted, or a JSON list of objects with a name")
    return list(found)


def _put_channel(content: dict[str, Any], name: str, text: str) -> bool:
    """Take a name that says something of channels; whether it does."""
    channel = content.setdefault("channel", {})
    bare = f"{PREFIX}CHANNEL_WITHOUT_NAMESPACE_"
    if name.startswith(bare):
        return _put_option(channel.setdefault("without_namespace", {}), name.removeprefix(bare), text)
    for each in channel.get("namespaces", ()):
        prefix = f"{LISTED}_{each['name'].upper().replace('-', '_').replace('.', '_')}_"
        if name.startswith(prefix):
            return _put_option(each, name.removeprefix(prefix), text)
    return False


def _put_option(options: dict[str, Any], name: str, text: str) -> bool:
    option = name.lower()
    default = ChannelOptions._field_defaults.get(option)
    if default is None:
        return False
    if isinstance(default, bool):
        options[option] = {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    elif isinstance(default, tuple):
        options[option] = text.split()
    elif isinstance(default, int) and text.isdecimal():
        options[option] = int(text)
    else:
        options[option] = text
    return True
