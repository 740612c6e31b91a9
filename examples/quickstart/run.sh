#!/bin/bash
# From a clean clone to answers: installs Debian packages, builds, starts three echo and three sum servers (Apache
# Thrift, in Python) and the gateway on 127.0.0.1:8080, makes a few calls, and serves until Ctrl-C (with --once: stops
# after the calls).
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
for package in gcc libc6-dev meson ninja-build pkg-config libevent-dev libconfig-dev libcjson-dev zlib1g-dev \
    python3-thrift python3-six thrift-compiler curl; do
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

generated=$build/gen-py logs=$build/quickstart
mkdir -p "$generated" "$logs"
for name in echo sum; do
    thrift --gen py -out "$generated" "$root/idl/$name.thrift"
done
export PYTHONPATH=$generated

pids=() names=()
stop()
{
    trap - EXIT
    [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
}
trap stop EXIT
trap 'exit 0' HUP INT TERM

start() # name command…; it ends with this script, however that ends
{
    local name=$1
    shift
    : >"$logs/$name.log"
    setpriv --pdeathsig TERM "$@" >"$logs/$name.log" 2>&1 &
    pids+=($!) names+=("$name")
}

for port in 8870 8871 8872; do start "echo-$port" /usr/bin/python3 thrift_server.py echo $port; done
for port in 9870 9871 9872; do start "sum-$port" /usr/bin/python3 thrift_server.py sum $port; done
start gateway "$build/cli/gwctl" run gateway.cfg

for i in "${!pids[@]}"; do
    log=$logs/${names[i]}.log
    until grep -q 'listening on' "$log"; do
        kill -0 "${pids[i]}" 2>/dev/null || { echo "${names[i]}:" >&2; cat "$log" >&2; exit 1; }
        sleep 0.05
    done
done

try() # a command, shown as one would type it
{
    echo
    printf '$'
    for word in "$@"; do
        case $word in
        *[!A-Za-z0-9_./:=-]*) printf " '%s'" "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    echo
    "$@"
    echo
}

url=http://127.0.0.1:8080
try curl -s $url/
try curl -s -i -d '{"msg":"hello"}' $url/gateway/echo/EchoMethod
try curl -s -d '{"firstNum":2,"secondNum":4}' $url/gateway/sum/SumMethod
try curl -s -d '{"firstNum":9223372036854775806,"secondNum":1}' $url/gateway/sum/SumMethod
try curl -s -d '{"firstNum":9223372036854775807,"secondNum":1}' $url/gateway/sum/SumMethod
try curl -s -d '{"msg":"hel' $url/gateway/echo/EchoMethod
try curl -s -d '{"msg":"hello"}' $url/gateway/echo/EchoMethodXXX
try curl -s -d '{"msg":"hello"}' $url/gateway/echoXXX/EchoMethod

[ -z "$once" ] || exit 0
echo
echo "The gateway serves $url until Ctrl-C. Change ${here#"$root/"}/gateway.cfg or idl/, then:"
echo "  ${build#"$root/"}/cli/gwctl reload ${here#"$root/"}/gateway.cfg"
wait "${pids[-1]}"
