"""Tells the time, once a second: python3 tell_time.py [URL of /emit]"""

import json
import sys
import time
from urllib.request import Request, urlopen

URL = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8899/emit"

while True:
    message = {"secret": "change-me", "event": "time", "room": "time", "data": {"time": time.time()}}
    try:
        urlopen(Request(URL, json.dumps(message).encode(), {"Content-Type": "application/json"}), timeout=5).close()
    except OSError as error:
        print(f"{URL}: {error}", file=sys.stderr)
    time.sleep(1 - time.time() % 1)
