"""What the options are, for docs/options.md."""

from collections.abc import Iterable, Mapping

from filtered_websocket.config.command_line import shown_default
from filtered_websocket.config.option import Option

OF_ITS_OWN = {"pipeline": " (each pipeline may have its own)", "use": " (each use of the filter may have its own)"}


def documentation(options_by_owner: Mapping[str, Iterable[Option]]) -> str:
    """A Markdown table of options for each owner, such as ``Configuration.declared`` gives them."""
    parts = []
    for owner, options in options_by_owner.items():
        rows = ["| name | flag | environment | default | unit | help |", "|---|---|---|---|---|---|"]
        for option in options:
            flags = ", ".join(f"`{flag}`" for flag in option.spellings)
            variables = ", ".join(f"`{name}`" for name in (option.variable, *option.environment))
            default = shown_default(option, option.default)
            says = option.help + OF_ITS_OWN.get(option.scope, "")
            says += " (a change takes a restart)" if option.at_start else ""
            cells = (f"`{option.name}`", flags, variables, f"`{default}`" if default else "", option.unit, says)
            rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
        parts.append(f"## {owner}\n\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)
