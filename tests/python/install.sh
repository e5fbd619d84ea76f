#!/bin/sh
# The Python packages of other programs that tests run beside ours, each in a folder of its own: build/python/NAME.
# Usage: tests/python/install.sh PYTHON
set -eu
cd "$(dirname "$0")/../.."
pip() { "$1" -m pip --disable-pip-version-check --quiet install --upgrade --target "build/python/$2" --requirement "$3" $4; }
pip "$1" socketio tests/python/socketio.txt ""
for version in 5.13.0 5.14.0 5.15.0; do
    echo "python-socketio==$version" > "build/python/requirements.txt"
    pip "$1" "socketio-$version" build/python/requirements.txt --no-deps
done
pip "$1" socketio-4 tests/python/socketio-4.txt ""
for name in pusher pushi pushi_service centrifugo; do  # the last one holds Pushi's socket client, and cannot stand beside pushi
    pip "$1" "$name" "tests/python/$name.txt" ""
done
pip "$1" valkey tests/python/valkey.txt --no-deps  # a server is in it; its client is not wanted
