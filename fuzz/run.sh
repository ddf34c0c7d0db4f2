#!/bin/sh
# Runs the fuzz targets one after the other: fuzz/run.sh SECONDS [TARGET ...]. Ends with 1 when one has found something.
set -u
cd "$(dirname "$0")/.." || exit 2
seconds=${1:?usage: fuzz/run.sh SECONDS [TARGET ...]}
shift
[ $# -gt 0 ] || set -- $(sed -n 's/^name = "\(.*\)"$/\1/p' fuzz/Cargo.toml | grep -v wipeproof-fuzz)
export RUSTC_BOOTSTRAP=1
found=0
for target in "$@"; do
    seeds=$(mktemp -d)
    # Every fixture is a seed of every target: a format that is not the target's own is hostile input too.
    find fixtures -type f -size -64k | while read -r file; do
        cp "$file" "$seeds/$(echo "$file" | tr '/ ' '__')"
    done
    mkdir -p "fuzz/corpus/$target"
    cargo fuzz run --sanitizer none "$target" "fuzz/corpus/$target" "$seeds" -- \
        -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=20 -print_final_stats=1 >"fuzz/$target.log" 2>&1 || found=1
    printf '%-12s %s executions, %s\n' "$target" \
        "$(sed -n 's/^stat::number_of_executed_units: *//p' "fuzz/$target.log")" \
        "$(grep -q 'SUMMARY: ' "fuzz/$target.log" && grep -m 1 'SUMMARY: ' "fuzz/$target.log" || echo 'nothing found')"
    rm -r "$seeds"
done
exit $found
