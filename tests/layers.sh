#!/bin/bash
# The rules of the tree that a compiler does not know: which way includes point, how long things may get, what the
# library may call, what it exports. Prints TAP; exits 1 if a rule is broken. Wants a build in GW_BUILD.
set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 2
build=${GW_BUILD:-build}
count=0 broken=0

report() # rule, what breaks it (nothing: kept)
{
    count=$((count + 1))
    if [ -z "$2" ]; then
        echo "ok $count - $1"
    else
        broken=$((broken + 1))
        echo "not ok $count - $1"
        echo "$2" | head -n 40 | sed 's/^/    /'
    fi
}

sources() # folders...: their C files
{
    find "$@" -name '*.[ch]' 2>/dev/null | sort
}

# ---- includes: a folder of lib/ may include itself, what stands here, and <gateway/…>

allowed()
{
    case $1 in
    base) ;;
    json) echo base ;;
    net) echo base ;;
    http) echo base net ;;
    upstream) echo base net http ;;
    exchange) echo base net http upstream ;;
    route) echo base net http upstream exchange ;;
    server) echo base net http upstream exchange route schema idl ;;
    schema) echo base ;;
    idl) echo base net schema ;;
    wire) echo base schema json ;;
    transcode) echo base schema json wire ;;
    convert) echo base schema idl json wire transcode upstream ;; # gw_schema_*, gw_transcode_*
    admin) echo base net http upstream exchange route server schema ;;
    endpoints) echo base net http upstream exchange schema json wire transcode ;; # those that call backends
    config) echo base ;; # base/ stands below everything, the public API included
    filters | predicates | decorators) ;;
    *) return 1 ;;
    esac
}

wrong_includes()
{
    local folder name list
    for folder in lib/*/; do
        name=$(basename "$folder")
        if ! list=$(allowed "$name"); then
            echo "lib/$name has no place among the layers"
            continue
        fi
        list="$name $list"
        grep -nE '^#include "' $(sources "$folder") /dev/null | awk -v list="$list" '
            BEGIN { split(list, names, " "); for (i in names) good[names[i]] = 1 }
            { path = $0; sub(/^[^"]*"/, "", path); sub(/".*/, "", path) }
            path !~ /\// { if (path == "builtin.h" || !system("test -e lib/" names[1] "/" path)) next }
            { split(path, part, "/"); if (!(part[1] in good)) print }'
    done
    grep -nE '^#include "[^"]*/' $(sources cli) /dev/null # its own headers stand beside
}

report "includes point one way" "$(wrong_includes)"
report "net/ alone knows libevent's events" \
    "$(grep -nE '#include <(event2/(event|util|listener|thread|bufferevent|dns|http)|event\.h|evhttp|evdns)' \
        $(sources include lib cli | grep -v '^lib/net/') /dev/null)"
report "config/ alone knows libconfig" "$(grep -n '#include <libconfig' $(sources lib include cli | grep -v '^lib/config/') /dev/null)"
report "cJSON stays off the request path" \
    "$(grep -n '#include <.*cJSON' $(sources lib include | grep -vE '^lib/(admin|config|server)/') /dev/null)"
report "the public headers include public headers only" "$(grep -n '#include "' $(sources include) /dev/null)"

# ---- budgets

functions() # "lines file:line" of every function
{
    awk 'FNR == 1 { head = 0 }
        /^[A-Za-z_].*[(,]/ && !/;$/ && !/^[a-z_]+:$/ { if (!head) head = FNR }
        /^$/ || /;$/ { if (!body) head = 0 }
        /^{$/ { body = FNR }
        /^}/ { if (body) print FNR - (head ? head : body - 1) + 1, FILENAME ":" (head ? head : body); body = head = 0 }' \
        $(sources lib cli examples)
}

structs() # "fields file:line" of every struct
{
    awk '/^(static )?(const )?struct [a-z_0-9]+ {$/ { fields = 0; start = FNR; next }
        start && /^}/ { print fields, FILENAME ":" start; start = 0 }
        start { sub(/\/\*.*/, ""); fields += gsub(/;/, ";"); if (!/\(/) fields += gsub(/,/, ",") }' $(sources lib include cli)
}

median()
{
    awk '{ print $1 }' | sort -n | awk '{ v[NR] = $1 } END { print NR ? v[int((NR + 1) / 2)] : 0 }'
}

over() # limit: those of "size name" above it
{
    awk -v limit="$1" '$1 > limit'
}

files=$(wc -l $(sources lib cli include) | grep -v ' total$' | awk '{ print $1, $2 }')
report "no file over 900 lines" \
    "$(wc -l $(sources lib cli include tests examples) | grep -v ' total$' | awk '{ print $1, $2 }' | over 900)"
report "files: median at most 250 lines" "$(echo "$files" | median | over 250)"
report "no function over 80 lines" "$(functions | over 80)"
report "functions: median at most 12 lines" "$(functions | median | over 12)"
report "no struct over 30 fields" "$(structs | over 30)"
report "no macro of several lines" "$(grep -nE '^ *# *define.*\\$' $(sources lib include cli tests examples) /dev/null)"
report "no line over 120 columns" \
    "$(LC_ALL=C.UTF-8 grep -nE '^.{121,}' $(sources lib include cli tests examples) /dev/null | grep -vE '^tests/[^:]*:[0-9]+:.*"')"
report "no tabs" "$(grep -n "$(printf '\t')" $(sources lib include cli tests examples) /dev/null)"

# ---- what is written

report "a source file opens with its job" \
    "$(for file in $(sources lib cli tests examples); do head -c 2 "$file" | grep -q '^/\*' || echo "$file"; done)"
report "structs and enums have no typedef" "$(grep -nE '^ *typedef (struct|enum|union)\b[^(]*$' $(sources lib include cli) /dev/null)"
report "all allocation goes through base/alloc.h" \
    "$(grep -nE '(^|[^_a-zA-Z0-9>.])(malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf|vasprintf)\(' \
        $(sources lib | grep -v '^lib/base/alloc') /dev/null)"
report "the library ends no process and handles no signal" \
    "$(grep -nE '(^|[^_a-zA-Z0-9>.])(abort|exit|_exit|_Exit|quick_exit|assert|signal|sigaction|evsignal_new)\(' $(sources lib) /dev/null)"
report "no unbounded copy" \
    "$(grep -nE '(^|[^_a-zA-Z0-9>.])(gets|strcpy|strcat|sprintf|vsprintf)\(' $(sources lib cli) /dev/null)"
report "nothing is left to do in a comment" \
    "$(grep -rnE '\b(TO''DO|FIX''ME|X''XX)\b' lib include cli tests examples doc README.md --include='*.*' 2>/dev/null | grep -v '/corpus/')"
report "no path of one machine" \
    "$(grep -rnIE '(^|[^a-zA-Z0-9_.}])/(work|home|root|mnt)/' --include='*' lib include cli tests examples doc subprojects \
        *.md meson.build 2>/dev/null | grep -vE '/corpus/|^tests/layers.sh:')"

# ---- public headers and exports

compile_alone() # compiler, language, standard
{
    local header
    for header in include/gateway/*.h version.h; do
        printf '#include <gateway/%s>\nextern int something;\n' "$(basename "$header")" |
            $1 -x "$2" -std="$3" -pedantic -Wall -Wextra -Werror -fsyntax-only -Iinclude -I"$build/include" - 2>&1
    done
}

declared()
{
    cat include/gateway/*.h include/gateway/version.h.in | grep '^GW_API' | grep -oE '\bgw_[a-z0-9_]+\(' | tr -d '(' | sort -u
}

exported()
{
    nm -D --defined-only "$library" | awk '{ print $3 }' | sed 's/@.*//' | sort -u
}

report "public headers compile alone as C" "$(compile_alone cc c c11)"
report "public headers compile alone as C++" "$(compile_alone c++ c++ c++11)"
report "every public header is installed" \
    "$(for header in include/gateway/*.h; do
        grep -q "'$(basename "$header")'" include/gateway/meson.build || echo "$header"
    done)"
library=$build/lib/libgateway.so
if [ -e "$library" ]; then
    report "what is exported is public" "$(exported | grep -vE '^(gw_[a-z0-9][a-z0-9_]*|GATEWAY_0)$')"
    report "what is public is exported" "$(comm -23 <(declared) <(exported))"
else
    report "the library is built" "no $library"
fi

echo "1..$count"
exit $((broken > 0))
