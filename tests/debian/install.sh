#!/bin/sh
# Debian's redis-server, which is Redis 7 or newer, unpacked into build/debian: nothing of the system changes, and no rights
# are needed. Where it cannot be had this says so, and the tests on it are skipped; the others do without it.
set -eu
mkdir -p "$(dirname "$0")/../../build/debian"
cd "$(dirname "$0")/../../build/debian"
packages="redis-server redis-tools libatomic1 libjemalloc2 liblzf1"
none() { echo "make: no Redis 7 for tests of Redis Cluster, which need Debian's redis-server: $1" >&2; exit 0; }

command -v apt-get >/dev/null && command -v dpkg >/dev/null || none "this system has no apt-get"
rm -rf root redis-server ./*.deb
if ! apt-get -qq -o APT::Sandbox::User= download $packages 2>/dev/null; then
    # The system's lists are old, or there are none: lists of our own need no rights.
    mkdir -p apt/lists/partial apt/cache/archives/partial
    own="-o Dir::State::lists=$PWD/apt/lists -o Dir::Cache=$PWD/apt/cache -o APT::Sandbox::User="
    apt-get -qq $own update && apt-get -qq $own download $packages || none "apt-get download failed"
fi
for package in *.deb; do dpkg -x "$package" root; done
rm -rf ./*.deb apt
libraries=$(dirname "$(find "$PWD/root" -name 'libjemalloc.so.2')")
cat >redis-server <<END
#!/bin/sh
LD_LIBRARY_PATH=$libraries exec $PWD/root/usr/bin/redis-server "\$@"
END
chmod +x redis-server
./redis-server --version >/dev/null || none "it does not run here"
