#!/usr/bin/env bash
# Times a whole scan of a folder beside ripgrep searching the same files for as many words.
# Usage: benches/compare.sh FOLDER     (needs ripgrep; build with cargo build --release first)
set -euo pipefail
folder=${1:?usage: benches/compare.sh FOLDER}
here=$(cd "$(dirname "$0")/.." && pwd)
words=$(mktemp)
trap 'rm -f "$words"' EXIT
# The names of the catalogue's rows: what a search for the same knowledge would look for.
grep -rhoE '^(name|command|key|select|match) *= *"[^"]+"' "$here/rules/catalog" | cut -d'"' -f2 | sort -u >"$words"
best() {
    local best=
    for _ in 1 2 3 4 5; do
        local start end
        start=$(date +%s%N)
        "$@" >/dev/null 2>&1 || true
        end=$(date +%s%N)
        local took=$(((end - start) / 1000))
        if [ -z "$best" ] || [ "$took" -lt "$best" ]; then best=$took; fi
    done
    echo "$best"
}
scan=$(best "$here/target/release/wipeproof" check --no-config -o json "$folder")
search=$(best rg --no-ignore --hidden --text --ignore-case --fixed-strings --count-matches --file "$words" "$folder")
printf 'wipeproof %d ms, ripgrep with %d words %d ms, ratio %s\n' $((scan / 1000)) "$(wc -l <"$words")" \
    $((search / 1000)) "$(awk -v a="$scan" -v b="$search" 'BEGIN { printf "%.2f", a / b }')"
