"""A backend that decides about a chat, by plain HTTP: `asked_chat.json` is the server that asks it.

python chat_backend.py 8000

A client is the user that its cookie names; one without is refused. Its messages get its name; one that shouts goes no
further.
"""

import json
import sys
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def handshake(question: dict[str, Any], cookies: SimpleCookie) -> dict[str, Any]:
    if "user" not in cookies:
        return {"status": 401, "reason": "log in first"}
    user = cookies["user"].value
    return {"user": user, "data": {"welcome": user}}


def message(question: dict[str, Any], cookies: SimpleCookie) -> dict[str, Any]:
    text = question["data"]
    if question["binary"] or text.isupper():
        return {"status": 422, "reason": "do not shout"}
    return {"data": {"from": question["user"], "text": text}}


def disconnect(question: dict[str, Any], cookies: SimpleCookie) -> dict[str, Any]:
    print(f"{question['user']} has gone", flush=True)
    return {}


ROUTES = {"/handshake": handshake, "/message": message, "/disconnect": disconnect}


class Backend(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # which keeps the connection for the next question

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = ROUTES[self.path](question, SimpleCookie(self.headers.get("Cookie", "")))
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Backend)
    print(f"listening on {server.server_port}", flush=True)
    server.serve_forever()
