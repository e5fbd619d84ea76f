"""`python -m filtered_websocket` is `fws_server`, and so is the script of that name: this is what runs first."""

import sys

from filtered_websocket.commands.fws_server import stopping


def main() -> None:
    """Run the command as this process."""
    stopping.begin()
    try:
        # Takes most of a second, in which signals come too.
        from filtered_websocket.commands.fws_server.__main__ import main as command

        command()
    except KeyboardInterrupt:
        sys.exit(130)
    except SystemExit as end:
        stopping.exits(end.code)
        raise


if __name__ == "__main__":
    main()
