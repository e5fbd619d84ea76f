"""`python -m filtered_websocket` is `fws_server`."""

from filtered_websocket.cli import main

main()
