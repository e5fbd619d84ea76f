#!/bin/sh
# Programs of Debian that tests run, unpacked into build/debian: nothing of the system changes, and no rights are needed.
# What cannot be had is said, and the tests on it are skipped; the others do without it.
set -eu
mkdir -p "$(dirname "$0")/../../build/debian"
cd "$(dirname "$0")/../../build/debian"
none() { echo "make: without $1: $2" >&2; }

command -v apt-get >/dev/null && command -v dpkg >/dev/null || { none "programs of Debian" "this system has no apt-get"; exit 0; }
rm -rf ./*
own=
fetch() {
    apt-get -qq $own -o APT::Sandbox::User= download "$@" 2>/dev/null && return
    [ -z "$own" ] || return 1
    # The system's lists are old, or there are none: lists of our own need no rights.
    mkdir -p apt/lists/partial apt/cache/archives/partial
    own="-o Dir::State::lists=$PWD/apt/lists -o Dir::Cache=$PWD/apt/cache"
    apt-get -qq $own -o APT::Sandbox::User= update && apt-get -qq $own -o APT::Sandbox::User= download "$@"
}

# unpack WHAT_FOR PROGRAM ASKED PACKAGE...: makes PROGRAM, which is to answer when it is run with ASKED.
unpack() {
    what=$1 program=$2 asked=$3
    shift 3
    rm -f ./*.deb
    fetch "$@" || { none "$what" "apt-get download failed"; return 0; }
    mkdir -p root
    for package in *.deb; do dpkg -x "$package" "root/$program"; done
    found=$(find "$PWD/root/$program" -path "*bin/$program" | head -n 1)
    # It and its libraries alone stay: some packages hold other programs of 100 MB.
    find "root/$program" -type f ! -name '*.so*' ! -samefile "$(readlink -f "$found")" -delete
    libraries=$(find "$PWD/root/$program" -name '*.so.*' -exec dirname {} + | sort -u | tr '\n' ':')
    cat >"$program" <<END
#!/bin/sh
LD_LIBRARY_PATH=$libraries exec $found "\$@"
END
    chmod +x "$program"
    "./$program" "$asked" >/dev/null 2>&1 || { none "$what" "$program does not run here"; rm -f "$program"; }
}

unpack "Redis 7 for tests of Redis Cluster" redis-server --version redis-server redis-tools libatomic1 libjemalloc2 liblzf1
unpack "nginx for tests of proxies" nginx -v nginx libcrypt1 libpcre2-8-0 libssl3
unpack "HAProxy for tests of proxies" haproxy -v haproxy libcrypt1 liblua5.3-0 libopentracing-c-wrapper0 libopentracing1 libpcre2-8-0 libssl3 libsystemd0 libcap2
unpack "Caddy for tests of proxies" caddy version caddy
unpack "promtool for tests of alerts" promtool --version prometheus
unpack "jq for the README" jq --version jq libjq1 libonig5
rm -rf ./*.deb apt
