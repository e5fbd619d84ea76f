"""The command line: reading it, the text of its ``-h``, and options declared with argparse."""

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from filtered_websocket.config.option import Given, Option, nearest
from filtered_websocket.config.parsers import Parser, boolean
from filtered_websocket.errors import ConfigError, UsageError

ASKED = {"-h": "help", "--help": "help", "--version": "version", "--check": "check", "--list-filters": "filters"}
ASKED_HELP = {
    "help": "show this text and exit",
    "version": "show the version and exit",
    "filters": "list the filter modules that are installed, and exit",
    "check": "say all that is wrong with the options and exit, without opening a port",
}

EPILOG = """\
Each option may also be given in the environment (--port as FWS_PORT) and in the JSON file ("port"). A flag counts more
than the environment, the environment more than the file.

examples:
  fws_server                                            what one client sends, all others get
  fws_server -f moderation chat --reload                your own modules, taken anew whenever you save them
  fws_server -c config.json --check                     whether a configuration is good
  fws_server -h -f filtered_websocket.filters.pusher    this text, with the options of these modules
"""


def asked(argv: Sequence[str]) -> str:
    """What to do instead of serving: a key of ``ASKED_HELP``, or ""."""
    found = {ASKED[word] for word in argv if word in ASKED}
    return next((each for each in ASKED_HELP if each in found), "")


# Not argparse: it stops at the first fault, knows no nearest name, and takes -ke for -key even with allow_abbrev=False.
def read(
    argv: Sequence[str], flags: Mapping[str, Option], refused: Mapping[str, str], faults: list[ConfigError]
) -> Iterator[Given]:
    """What was given by flags.

    :param refused: flags that do not count, with our name for each
    :param faults: filled with a UsageError for each word that cannot be understood
    """
    rest = list(argv)
    while rest:
        flag, attached = split(rest.pop(0), flags)
        values = [] if attached is None else [attached]
        while rest and not split(rest[0], flags)[0]:
            values.append(rest.pop(0))
        option = flags.get(flag)
        # -p alone says little, and a pack's own short flag less.
        place = f"{flag} ({option.name})" if option and len(flag) == 2 else flag
        if option and option.many:
            yield Given(option, values, option.spellings[-1], place)
            continue
        if option and option.switch:
            yield Given(option, True if attached is None else attached, option.spellings[-1], place)
            values = values if attached is None else values[1:]
        elif option and values:
            yield Given(option, values.pop(0), option.spellings[-1], place)
        elif option:
            faults.append(UsageError(f"{place}: a value is wanted"))
        elif flag in refused:
            faults.append(UsageError(f"{flag} counts only while one pack is loaded; use {refused[flag]}"))
            continue
        elif flag and flag not in ASKED:
            # The words that follow may be its values, and one fault is enough.
            faults.append(UsageError(f"unknown option {flag}{nearest(flag, [*flags, *ASKED])}"))
            continue
        for word in values:
            # A password with a blank in it comes as two words.
            shown = f"after {flag}" if option and option.secret else f'"{word}"'
            module = not flag and "-f" in flags and all(part.isidentifier() for part in word.split("."))
            hint = f": filter modules stand behind -f: -f {word}" if module else ""
            faults.append(UsageError(f"unexpected argument {shown}{hint}"))


def split(word: str, flags: Mapping[str, Option]) -> tuple[str, str | None]:
    """The flag that a word is, and the value attached to it; the flag is "" if the word is a value."""
    if word in flags or word in ASKED:
        return word, None
    flag, equals, value = word.partition("=")
    if not flag.startswith("-") or flag == "-" or " " in flag or re.fullmatch(r"-[0-9.][0-9.e-]*", word):
        return "", word
    if equals:
        return flag, value
    # -p9000 is -p 9000, but a letter makes it a name: whether -cert is one must not hang on what is declared already.
    if flag[:2] in flags and not flag[2].isalpha():
        return flag[:2], flag[2:]
    return flag, None


def help_text(
    prog: str, declared: Mapping[str, Sequence[Option]], flags: Mapping[str, Option], defaults: Mapping[str, Any]
) -> str:
    """The text of ``-h``, in one group for each owner; ``defaults`` are those that differ from the declared."""
    parser = argparse.ArgumentParser(
        prog=prog,
        usage="%(prog)s [-h] [--version] [--list-filters] [--check] [-c CONFIG] [-f [FILTERS ...]] [option ...]",
        description="Serves WebSocket clients with the filters of these modules.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    for what, says in ASKED_HELP.items():
        parser.add_argument(*(flag for flag in ASKED if ASKED[flag] == what), action="store_true", help=says)
    for owner, options in declared.items():
        group = parser.add_argument_group(owner)
        for option in options:
            kind: dict[str, Any] = {"action": "store_true"} if option.switch else {"metavar": option.name.upper()}
            if option.many:
                kind["nargs"] = "*"
            default = shown_default(option, defaults.get(option.name, option.default))
            facts = ", ".join(filter(None, (option.unit, default and f"default {default}")))
            says = f"{option.help} ({facts})" if facts else option.help
            spellings = [flag for flag, known in flags.items() if known is option]
            group.add_argument(*spellings, dest=option.name, help=says.replace("%", "%%"), **kind)
    return parser.format_help()


def shown_default(option: Option, default: Any) -> str:
    """A default as a person writes it; "" where there is none to speak of."""
    if default is None or default is False or default in ("", [], (), {}):
        return ""
    if option.secret:
        return "hidden"
    if isinstance(default, list | tuple):
        return " ".join(map(str, default))
    return "true" if default is True else str(default)


def from_action(action: argparse.Action) -> Option:
    """The option that an argparse action declares. Raises ValueError for kinds of action that no option can be."""
    switch = isinstance(action, argparse._StoreTrueAction)
    many = action.nargs in ("*", "+") or (isinstance(action.nargs, int) and action.nargs > 0)
    stores = isinstance(action, argparse._StoreAction) and (many or action.nargs is None)
    if not action.option_strings or not (switch or stores):
        name = "/".join(action.option_strings) or action.dest
        raise ValueError(
            f'{name}: a flag is wanted, its action store_true or store, its nargs None, a number, "*" or "+"'
        )

    def word(value: Any) -> Any:
        # A number in the JSON file stands for its text: the original knew nothing else.
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError("text or a number is wanted")
        convert = action.type if callable(action.type) else str
        try:
            result = convert(str(value))
        except argparse.ArgumentTypeError as error:
            raise ValueError(str(error)) from None
        except (TypeError, ValueError):
            raise ValueError(f"{getattr(convert, '__name__', 'another value')} is wanted") from None
        if action.choices is not None and result not in action.choices:
            raise ValueError(f"one of {', '.join(map(str, action.choices))} is wanted")
        return result

    def several(value: Any) -> list[Any]:
        values = value.split() if isinstance(value, str) else value if isinstance(value, list) else [value]
        if isinstance(action.nargs, int) and len(values) != action.nargs:
            raise ValueError(f"{action.nargs} values are wanted")
        if action.nargs == "+" and not values:
            raise ValueError("at least one value is wanted")
        return [word(value) for value in values]

    default = None if action.default is argparse.SUPPRESS else action.default
    parse: Parser = boolean if switch else several if many else word
    says = "" if action.help in (None, argparse.SUPPRESS) else str(action.help)
    return Option(
        name=action.dest,
        parse=parse,
        # argparse converts a default that is a text, and no other.
        default=parse(default) if isinstance(default, str) else default,
        help=re.sub(r"%\((\w+)\)[sdr]", lambda field: str(vars(action).get(field[1])), says).replace("%%", "%"),
        flags=tuple(action.option_strings),
        many=many,
        switch=switch,
        required=action.required,
        # argparse has no word for a secret, and a password of a user's own storage object must not show in a banner.
        secret=re.search("password|passwd|secret|token|credential", action.dest, re.I) is not None,
    )
