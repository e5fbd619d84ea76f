"""Pushi's own socket client, told what to do in lines of JSON: python pushi_socket.py URL ID KEY SECRET."""

import json
import sys
import threading

import pushi

url, ident, key, secret = sys.argv[1:]
api = pushi.API(app_id=ident, app_key=key, app_secret=secret)


def say(**line):
    print(json.dumps(line), flush=True)


class Protocol(pushi.PushiClient.protocol):
    def on_member_added_pushi(self, channel, member):
        say(**{"is": "added", "channel": channel, "member": member})

    def on_member_removed_pushi(self, channel, member):
        say(**{"is": "removed", "channel": channel, "member": member})

    def trigger(self, name, *args, **kwargs):
        super().trigger(name, *args, **kwargs)
        if name in ("subscribe", "unsubscribe", "latest"):
            say(**{"is": name, "channel": args[1], "data": args[2]})
        elif name == "message" and len(args) > 2:
            say(**{"is": "message", "channel": args[2], "data": args[1], "mid": kwargs.get("mid")})


class Client(pushi.PushiClient):
    protocol = Protocol


def connected(protocol):
    say(**{"is": "connect", "id": protocol.socket_id})


def obey(line):
    for method, arguments, keywords in json.loads(line):
        getattr(protocol, method)(*arguments, **keywords)


loop, protocol = Client.connect_pushi_s(url=url, client_key=key, api=api, callback=connected)


def read():
    for line in sys.stdin:
        loop.delay_s(lambda line=line: obey(line))
    loop.delay_s(loop.stop)


threading.Thread(target=read, daemon=True).start()
loop.run_forever()
