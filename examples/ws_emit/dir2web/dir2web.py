"""Shows what is in a directory, whenever it changes: python3 dir2web.py DIRECTORY [URL of /emit]

Pages that come later see it within SHOWN_AGAIN seconds: an emission reaches the clients that are there.
"""

import json
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

if len(sys.argv) < 2 or not Path(sys.argv[1]).is_dir():
    sys.exit("the name of a directory is wanted: python3 dir2web.py DIRECTORY [URL of /emit]")
DIRECTORY = Path(sys.argv[1]).resolve()  # "." has no name of its own, and the room's is made of it
URL = sys.argv[2] if len(sys.argv) > 2 else "http://localhost:8899/emit"
SHOWN_AGAIN = 2.0


def listing() -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for path in sorted(DIRECTORY.iterdir()):
        try:
            state = path.stat()
        except FileNotFoundError:
            continue  # gone since
        found.append({"name": path.name, "size": state.st_size, "modified": state.st_mtime, "folder": path.is_dir()})
    return found


def emit(files: list[dict[str, object]]) -> None:
    data = {"directory": DIRECTORY.name, "files": files}
    message = {"secret": "change-me", "event": "files", "room": f"dir2web::{DIRECTORY.name}", "data": data}
    try:
        urlopen(Request(URL, json.dumps(message).encode(), {"Content-Type": "application/json"}), timeout=5).close()
    except OSError as error:
        print(f"{URL}: {error}", file=sys.stderr)


shown, shown_at = None, 0.0
while True:
    files, now = listing(), time.monotonic()
    if files != shown or now - shown_at >= SHOWN_AGAIN:
        emit(files)
        shown, shown_at = files, now
    time.sleep(0.2)
