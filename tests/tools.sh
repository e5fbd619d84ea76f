#!/usr/bin/env bash
# Debian packages that tests need: the libraries of the browser in tests/node.
set -euo pipefail

missing=()
for library in libnss3 libnspr4; do
    ldconfig -p | grep -q "$library\.so" || missing+=("$library")
done
((${#missing[@]})) || exit 0
as_root=()
((EUID == 0)) || as_root=(sudo)
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -qq --yes --no-install-recommends "${missing[@]}"
