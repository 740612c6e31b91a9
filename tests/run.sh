#!/bin/bash
# Builds and tests everything: tests/run.sh [--long] [--only SUITE[,SUITE]] [--match EXPRESSION]
#
# --match takes of the tests in Python those that pytest's -k selects, and prints what they print where they pass; of the
# others it runs none.
# Suites: layers unit wire e2e faults examples gates asan tsan fuzz; a suite whose folder is absent or empty is none.
# Debian packages that are missing get installed. The last line is "N passed, N failed" over all runners, with
# ", N skipped" where something was; the exit code is 0 if nothing failed, 1 if something did, 2 for bad usage.
# Builds and logs are left in build-tests/. Tests find the build they shall use in GW_BUILD, the name of its sanitizer
# ("address", "thread" or nothing) in GW_SANITIZE, and GW_LONG=1 under --long.
set -u
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
cd "$(dirname "$0")/.." || exit 2
root=$PWD out=$PWD/build-tests logs=$PWD/build-tests/logs
python=/usr/bin/python3 # another one in PATH has no Debian modules
suites="layers unit wire e2e faults examples gates asan tsan fuzz"
only="" match="" fuzz_seconds=30
passed=0 failed=0 skipped=0
export GW_LONG=

usage()
{
    echo "usage: tests/run.sh [--long] [--only SUITE[,SUITE]] [--match EXPRESSION]   suites: $suites" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case $1 in
    --long) GW_LONG=1 fuzz_seconds=600 ;;
    --only) [ $# -gt 1 ] || usage; only="$only ${2//,/ }"; shift ;;
    --match) [ $# -gt 1 ] || usage; match=$2; shift ;;
    *) usage ;;
    esac
    shift
done
for suite in $only; do
    [[ " $suites " == *" $suite "* ]] || usage
done

trap 'kill $(jobs -p) 2>/dev/null' EXIT

# ---- packages

as_root()
{
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

apt()
{
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=300 "$@" >>"$logs/apt.log" 2>&1
}

install_packages()
{
    local missing="" policy=/usr/sbin/policy-rc.d
    for package in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    echo "installing$missing"
    # Under systemd a package would start its service.
    if [ -d /run/systemd/system ] && [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null && as_root chmod 755 $policy
    else
        policy=""
    fi
    apt --no-install-recommends install $missing || { apt update && apt --no-install-recommends install $missing; }
    local status=$?
    [ -z "$policy" ] || as_root rm -f $policy
    [ $status = 0 ] || { tail -n 20 "$logs/apt.log"; fail "packages could not be installed:$missing"; }
    return $status
}

# ---- results

fail()
{
    echo "FAILED: $*"
    failed=$((failed + 1))
}

add_tap() # file: counts check's results
{
    local good bad
    good=$(grep -c '^ok ' "$1" 2>/dev/null)
    bad=$(grep -c '^not ok ' "$1" 2>/dev/null)
    passed=$((passed + ${good:-0})) failed=$((failed + ${bad:-0}))
    return "$((${bad:-0} > 0))"
}

junit() # file: passed, failed, skipped
{
    $python - "$1" <<'PY'
import sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot()
suite = suite if suite.tag == "testsuite" else suite.find("testsuite")
total, bad, skip = (int(suite.get(key, 0)) for key in ("tests", "failures", "skipped"))
bad += int(suite.get("errors", 0))
print(total - bad - skip, bad, skip)
PY
}

add_sanitizer_reports() # prefix: what a sanitizer wrote is a failure, whatever the test made of it
{
    local report
    for report in "$1".*; do
        [ -s "$report" ] || continue
        head -n 60 "$report"
        fail "sanitizer report $report"
    done
}

# ---- builds

build() # name, options: sets GW_BUILD
{
    local name=$1
    shift
    export GW_BUILD=$out/$name
    [ ! -e "$out/$name.failed" ] || return 1
    echo "building $name"
    if [ ! -e "$GW_BUILD/build.ninja" ]; then
        rm -rf "$GW_BUILD"
        meson setup "$GW_BUILD" "$root" -Dwerror=true "$@" >"$logs/build-$name.log" 2>&1
    fi && ninja -C "$GW_BUILD" >>"$logs/build-$name.log" 2>&1 && return
    touch "$out/$name.failed"
    grep -aE -A 12 'error|ERROR|FAILED' "$logs/build-$name.log" | head -n 60
    fail "build $name: $logs/build-$name.log"
    return 1
}

build_plain()
{
    build plain && export GW_SANITIZE=
}

build_peers() # before tests whose time is measured; what can't be built the tests tell
{
    $python tests/support/peer_cache.py >"$logs/build-peers.log" 2>&1 || echo "peers could not be built: $logs/build-peers.log"
}

# ---- runners

# A check may fail because the machine stood still, or others had it: what failed is run again by itself, at most twice,
# and told. Never forgiven is what a sanitizer reports, a signal that ended a program, and random cases that failed.
final='ERROR: (Address|Thread)|WARNING: Thread|runtime error|Received signal|ended with (-4|-6|-7|-8|-11|66|99)|complained|GW_SEED='

run_unit() # suite, program, command prefix...: counts it; 1 if it shall run again, when that is left
{
    local suite=$1 test=$2 left=$3 tap log status
    shift 3
    tap=$logs/$suite-$(basename "$test").tap log=${tap%.tap}.log
    rm -f "$tap"
    CK_TAP_LOG_FILE_NAME=$tap timeout 600 "$@" "$test" >"$log" 2>&1
    status=$?
    if grep -qs '^not ok ' "$tap"; then
        grep '^not ok ' "$tap"
        if [ "$left" -gt 0 ] && ! grep -qaE "$final" "$log" "$tap"; then
            echo "again: $test"
            return 1
        fi
        echo "FAILED: $test: $log"
    elif [ $status != 0 ]; then
        tail -n 40 "$log"
        fail "$test ended with code $status though no check failed: $log"
    fi
    grep -a '^SKIPPED' "$log" && skipped=$((skipped + $(grep -ac '^SKIPPED' "$log")))
    add_tap "$tap"
    return 0
}

run_units() # suite, command prefix...
{
    local suite=$1 test
    shift
    [ -z "$match" ] || return 0
    for test in "$GW_BUILD"/tests/unit/test_*; do
        [ -f "$test" ] && [ -x "$test" ] || continue
        run_unit "$suite" "$test" 2 "$@" || run_unit "$suite" "$test" 1 "$@" || run_unit "$suite" "$test" 0 "$@"
    done
}

pytest_once() # folders and pytest arguments...: leaves the results in $log, $xml and $again
{
    rm -f "$xml"
    timeout $((GW_LONG ? 5400 : 1200)) $python -m pytest -c tests/pytest.ini --rootdir=tests -p no:cacheprovider -q -rs --tb=short \
        --junitxml="$xml" --failures="$again" "$@" >"$log" 2>&1
}

run_pytest() # suite, folders and pytest arguments...
{
    local log=$logs/$1-pytest.log xml=$logs/$1-pytest.xml again=$logs/$1-again status selection=() good bad skip mended left
    shift
    [ -z "$match" ] || selection=(-rP -k "$match")
    pytest_once "${selection[@]}" "$@"
    status=$?
    read -r good bad skip < <(junit "$xml") || { fail "pytest gave no result: $log"; return; }
    grep -a '^SKIPPED' "$log"
    [ -z "$match" ] || sed -n '/^-* Captured stdout call/,/^[_=-]\{2,\}/{/^[_=-]\{2,\}/!{/./p}}' "$log"
    case $status in
    0) ;;
    5) echo "nothing collected: $log" ;;
    *) tail -n 80 "$log"; echo "FAILED: $log" ;;
    esac
    for left in 2 1; do
        [ "$status" = 1 ] && [ "$bad" -le 60 ] && ! grep -qaE "$final" "$log" || break
        log=$again-$left.log xml=$again-$left.xml
        echo "again, one at a time: $log"
        pytest_once "$@" -rA --again="$again" -n 0
        status=$? mended=$((bad - $(wc -l <"$again")))
        grep -aE '^(PASSED|FAILED|ERROR) ' "$log"
        good=$((good + mended)) bad=$((bad - mended))
    done
    passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + skip))
}

has_tests() # folder
{
    compgen -G "tests/$1/test_*.py" >/dev/null
}

# ---- suites

suite_layers()
{
    build_plain || return
    local log=$logs/layers.log
    tests/layers.sh >"$log" 2>&1
    local status=$?
    add_tap "$log" || grep -v '^ok ' "$log"
    [ $status -lt 2 ] || fail "tests/layers.sh ended with code $status: $log"
}

suite_unit()
{
    build_plain && run_units unit
}

suite_pytest() # suite, arguments
{
    build_plain && run_pytest "$1" "tests/$1" "${@:2}"
}

suite_wire() { suite_pytest wire -n 4 --dist loadgroup; }
suite_e2e() { build_peers; suite_pytest e2e -n 4 --dist loadgroup; }
suite_faults() { suite_pytest faults -n 2; }
suite_examples() { suite_pytest examples; }
suite_gates() { suite_pytest gates; }

traffic_folders()
{
    local folder
    for folder in wire e2e; do
        has_tests $folder && echo tests/$folder
    done
}

suite_asan()
{
    build asan -Db_sanitize=address,undefined -Db_lundef=false || return
    rm -f "$logs"/asan-report.*
    export GW_SANITIZE=address
    export ASAN_OPTIONS=detect_leaks=1:halt_on_error=1:exitcode=99 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    CK_FORK=no run_units asan # in a forked child a leak would not be seen
    local folders
    folders=$(traffic_folders)
    build_peers
    ASAN_OPTIONS+=:log_path=$logs/asan-report UBSAN_OPTIONS+=:log_path=$logs/asan-report
    [ -z "$folders" ] || run_pytest asan $folders -n 4 --dist loadgroup -m "not plain"
    unset ASAN_OPTIONS UBSAN_OPTIONS
    add_sanitizer_reports "$logs/asan-report"
}

suite_tsan()
{
    local fixed="" folders
    # The thread sanitizer wants an address space that is not shuffled too much.
    if [ "$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)" -gt 28 ]; then
        install_packages clang libclang-rt-14-dev || return
        fixed="setarch -R"
    fi
    CC=$([ -z "$fixed" ] && echo cc || echo clang) build tsan -Db_sanitize=thread -Db_lundef=false || return
    rm -f "$logs"/tsan-report.*
    export GW_SANITIZE=thread TSAN_OPTIONS=halt_on_error=1:exitcode=66:second_deadlock_stack=1
    CK_FORK=no run_units tsan $fixed
    folders=$(traffic_folders)
    build_peers
    TSAN_OPTIONS+=:log_path=$logs/tsan-report
    [ -z "$folders" ] || python="$fixed $python" run_pytest tsan $folders -n 4 --dist loadgroup -m "threads and not plain"
    unset TSAN_OPTIONS
    add_sanitizer_reports "$logs/tsan-report"
}

fuzz_one() # target, seconds
{
    local name=$1 work=$out/corpus/$1
    mkdir -p "$work" "tests/fuzz/corpus/$name"
    nice "$GW_BUILD/tests/fuzz/fuzz_$name" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$logs/fuzz-$name-" "$work" "tests/fuzz/corpus/$name" >"$logs/fuzz-$name.log" 2>&1
    echo $? >"$logs/fuzz-$name.status"
}

suite_fuzz()
{
    CC=clang build fuzz -Dfuzz=true -Db_lundef=false || return
    local target name names="" coverage
    export GW_SANITIZE=address ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
    for target in "$GW_BUILD"/tests/fuzz/fuzz_*; do
        [ -f "$target" ] && [ -x "$target" ] || continue
        name=${target##*/fuzz_} names="$names ${target##*/fuzz_}"
        rm -f "$logs/fuzz-$name.status"
        while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n; done
        fuzz_one "$name" $fuzz_seconds &
    done
    wait
    for name in $names; do
        coverage=$(grep -aoE 'cov: [0-9]+' "$logs/fuzz-$name.log" | tail -n 1)
        if [ "$(cat "$logs/fuzz-$name.status" 2>/dev/null)" != 0 ]; then
            grep -aE -A 16 'ERROR:|runtime error|Test unit written' "$logs/fuzz-$name.log" | head -n 60
            fail "fuzz_$name: $logs/fuzz-$name.log"
        elif [ "$((${coverage#cov: }))" -lt 20 ]; then # compiled without coverage (then it names none), or next to none
            fail "fuzz_$name saw next to no code (${coverage:-no coverage}): $logs/fuzz-$name.log"
        else
            passed=$((passed + 1))
            echo "fuzz_$name: $coverage, $(grep -a number_of_executed_units "$logs/fuzz-$name.log" | grep -oE '[0-9]+$') runs"
        fi
    done
    unset ASAN_OPTIONS UBSAN_OPTIONS
}

# ---- which suites there are, and what they need

present() # suite
{
    case $1 in
    layers | unit | asan | tsan) true ;;
    fuzz) compgen -G 'tests/fuzz/fuzz_*.c' >/dev/null ;;
    *) has_tests "$1" ;;
    esac
}

packages() # suite
{
    echo gcc g++ libc6-dev meson ninja-build pkg-config libevent-dev libconfig-dev libcjson-dev zlib1g-dev check \
        python3 python3-pytest python3-pytest-xdist python3-pytest-timeout
    case $1 in
    fuzz) echo clang libclang-rt-14-dev ;;
    e2e | asan | tsan)
        echo thrift-compiler python3-thrift python3-six libthrift-dev libboost-dev
        command -v go >/dev/null || echo golang-go
        command -v npm >/dev/null || echo nodejs npm
        [[ $(cargo --version 2>/dev/null) =~ ^cargo\ 1\.([0-9]+) && ${BASH_REMATCH[1]} -ge 90 ]] || echo cargo-web rustc-web
        [ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates # modules and packages come by https
        ;;
    faults) echo strace slowhttptest fiu-utils ;;
    gates) echo valgrind strace ;;
    examples) echo curl make thrift-compiler python3-thrift python3-six ;;
    esac
}

chosen=""
for suite in ${only:-$suites}; do
    if present "$suite"; then
        chosen="$chosen $suite"
    elif [ -n "$only" ]; then
        echo "suite $suite has no tests here" >&2
        exit 2
    fi
done

mkdir -p "$logs"
rm -f "$out"/*.failed
install_packages $(for suite in $chosen; do packages "$suite"; done | tr ' ' '\n' | sort -u) || chosen=""
for suite in $chosen; do
    echo "== $suite"
    before=$((passed + failed)) before_passed=$passed before_failed=$failed started=$SECONDS
    "suite_$suite"
    [ $((passed + failed)) != $before ] || fail "suite $suite ran nothing"
    echo "== $suite: $((passed - before_passed)) passed, $((failed - before_failed)) failed, $((SECONDS - started)) s"
done

echo "$passed passed, $failed failed$([ $skipped = 0 ] || echo ", $skipped skipped")"
[ $failed = 0 ] && [ $passed -gt 0 ]
