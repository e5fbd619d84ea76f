"""Centrifugo's environment names, as the document that a file with the same settings would be."""

from collections.abc import Mapping
from typing import Any

from filtered_websocket.filters.centrifugo.config_file import PREFIX, Document
from filtered_websocket.filters.centrifugo.namespaces import ChannelOptions
from filtered_websocket.filters.centrifugo.original_settings import CHANNEL, OWN_KEYS, SETTINGS, STORAGE, SWITCHES


def from_environment(value: Any) -> Document:
    """The configuration in environment names, such as ``{"CENTRIFUGO_CLIENT_INSECURE": "true"}``.

    :raises ValueError: it is none
    """
    if isinstance(value, Document):
        return value
    if not isinstance(value, dict) or not all(isinstance(each, str) for pair in value.items() for each in pair):
        raise ValueError('a JSON object of names and texts is wanted, such as {"CENTRIFUGO_CLIENT_INSECURE": "true"}')
    content: dict[str, Any] = {}
    by_name = {
        PREFIX + path.upper().replace(".", "_"): path for path in (*SETTINGS, *SWITCHES, *STORAGE, OWN_KEYS, CHANNEL[2])
    }
    unknown = []
    for name, text in value.items():
        if not text:
            continue
        if name in by_name:
            _put(content, by_name[name], text)
        elif not _put_channel(content, name, text, value):
            unknown.append(name)
    return Document("the environment", content, from_file=False, unknown=tuple(sorted(unknown)))


def _put(content: dict[str, Any], path: str, value: Any) -> None:
    *before, last = path.split(".")
    for name in before:
        content = content.setdefault(name, {})
    content[last] = value


def _put_channel(content: dict[str, Any], name: str, text: str, environ: Mapping[str, str]) -> bool:
    """Take a name that says something of channels; whether it does."""
    channel = content.setdefault("channel", {})
    listed, bare = f"{PREFIX}CHANNEL_NAMESPACES", f"{PREFIX}CHANNEL_WITHOUT_NAMESPACE_"
    if name == listed:
        for each in text.split():
            _namespace(channel, each)
        return True
    if name.startswith(bare):
        return _put_option(channel.setdefault("without_namespace", {}), name.removeprefix(bare), text)
    for each in environ.get(listed, "").split():
        prefix = f"{listed}_{each.upper().replace('-', '_')}_"
        if name.startswith(prefix):
            return _put_option(_namespace(channel, each), name.removeprefix(prefix), text)
    return False


def _namespace(channel: dict[str, Any], name: str) -> dict[str, Any]:
    namespaces: list[dict[str, Any]] = channel.setdefault("namespaces", [])
    found = next((each for each in namespaces if each["name"] == name), None)
    if found is None:
        found = {"name": name}
        namespaces.append(found)
    return found


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
