"""What all Python peers are started with, `PORT [--tls CERT KEY] [--deflate]`, and what a path means.

/c7: the client is in that channel, and what it sends goes there. /join/c1/c2: it is in those, and the first word of
what it sends is the channel that the whole message goes to. /echo: it comes back.
"""

import argparse
import ssl

_parser = argparse.ArgumentParser()
_parser.add_argument("port", type=int)
_parser.add_argument("--tls", nargs=2)
_parser.add_argument("--deflate", action="store_true")
_options = _parser.parse_args()

PORT = _options.port
DEFLATE = _options.deflate
CERTIFICATE = _options.tls
SSL = None
if CERTIFICATE:
    SSL = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    SSL.load_cert_chain(*CERTIFICATE)


def channels_of(path):
    return path.split("/")[2:] if path.startswith("/join") else [path]


def target(path, message):
    return message.partition(" ")[0] if path.startswith("/join") else path
