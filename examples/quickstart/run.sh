#!/bin/bash
# From a clean clone to answers: installs Debian packages, builds, starts two backends and the gateway on
# 127.0.0.1:8080, makes a few calls, and serves until Ctrl-C (with --once: stops after the calls).
set -eu
cd "$(dirname "$0")"
here=$PWD root=$(cd ../.. && pwd)
build=${GW_BUILD:-$root/build-quickstart}
once=
case "${1:-}" in
"") ;;
--once) once=1 ;;
*) echo "usage: run.sh [--once]" >&2; exit 2 ;;
esac

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

missing=
for package in gcc libc6-dev meson ninja-build pkg-config libevent-dev libconfig-dev libcjson-dev python3 curl; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo "installing$missing"
    as_root apt-get -qq -o DPkg::Lock::Timeout=300 update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -qq -o DPkg::Lock::Timeout=300 --no-install-recommends \
        install $missing >/dev/null
fi

if [ ! -x "$build/cli/gwctl" ]; then
    echo "building in ${build#"$root/"}"
    log=$(mktemp)
    { [ -e "$build/build.ninja" ] || meson setup "$build" "$root" -Dtests=false; } >"$log" 2>&1 &&
        ninja -C "$build" >"$log" 2>&1 || { cat "$log" >&2; rm "$log"; exit 1; }
    rm "$log"
fi

pids=
stop()
{
    trap - EXIT
    [ -z "$pids" ] || kill $pids 2>/dev/null || true
    wait 2>/dev/null || true
}
trap stop EXIT
trap 'exit 0' INT TERM

/usr/bin/python3 backend.py 9000 9001 &
pids=$!
"$build/cli/gwctl" run gateway.cfg 2>gateway.log &
gateway=$!
pids="$pids $gateway"

reached() { curl -s -o /dev/null --max-time 2 "$1"; }
for url in http://127.0.0.1:9001/ http://127.0.0.1:9000/ http://127.0.0.1:8080/; do
    for _ in $(seq 100); do
        reached "$url" && break
        kill -0 "$gateway" 2>/dev/null || break
        sleep 0.05
    done
    reached "$url" || { echo "$url does not answer:" >&2; cat gateway.log >&2; exit 1; }
done

try()
{
    echo
    echo "\$ $*"
    "$@"
}

try curl -s http://127.0.0.1:8080/
try curl -s -i http://127.0.0.1:8080/items/42
try curl -s http://127.0.0.1:8080/app/hello http://127.0.0.1:8080/app/again
try curl -s -d 'some data' http://127.0.0.1:8080/app/upload
try curl -s -i http://127.0.0.1:8080/slow
try curl -s http://127.0.0.1:8080/nowhere
try "$build/cli/gwctl" status gateway.cfg
sleep 1 # log lines are written twice a second
try tail -n 2 access.log

[ -z "$once" ] || exit 0
echo
echo "The gateway serves http://127.0.0.1:8080 until Ctrl-C. Change ${here#"$root/"}/gateway.cfg, then:"
echo "  ${build#"$root/"}/cli/gwctl reload ${here#"$root/"}/gateway.cfg"
wait "$gateway"
