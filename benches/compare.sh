#!/usr/bin/env bash
# Times a whole scan of a folder beside ripgrep searching the same files for as many words.
# Usage: benches/compare.sh FOLDER     (needs ripgrep; build with cargo build --release first)
set -euo pipefail
folder=${1:?usage: benches/compare.sh FOLDER}
here=$(cd "$(dirname "$0")/.." && pwd)
words=$(mktemp)
trap 'rm -f "$words"' EXIT
# What the text readers look for: the commands of scripts and the elements and keys of configuration.
{
    sed -nE 's/^ *names *= *\[(.*)\].*/\1/p' "$here"/rules/catalog/commands/*.toml
    sed -nE 's/^ *(name|key|select|match|element|section|location) *= *(.*)/\2/p' "$here"/rules/catalog/config/*.toml
} | grep -oE '"[^"]{3,}"' | tr -d '"' | sort -u >"$words"
# The least processor time of five runs, in milliseconds: what else the machine does is no part of it.
best() {
    local TIMEFORMAT='%U %S' best= took
    for _ in 1 2 3 4 5; do
        took=$({ time "$@" >/dev/null 2>&1 || true; } 2>&1 | awk '{ printf "%d", ($1 + $2) * 1000 }')
        if [ -z "$best" ] || [ "$took" -lt "$best" ]; then best=$took; fi
    done
    echo "$best"
}
scan=$(best "$here/target/release/wipeproof" check --no-config -o json "$folder")
search=$(best rg --no-ignore --hidden --text --ignore-case --fixed-strings --count-matches --file "$words" "$folder")
printf 'wipeproof %d ms, ripgrep with %d words %d ms of processor time, ratio %s\n' "$scan" "$(wc -l <"$words")" \
    "$search" "$(awk -v a="$scan" -v b="$search" 'BEGIN { printf "%.2f", a / b }')"
