#!/usr/bin/env bash
# Tests the language server with headless Neovim. Usage: tests/editor/run.sh [PROGRAM]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=${1:-$here/../../target/debug/wipeproof}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
printf '@echo off\nrem wipeproof: allow(WP201) because of that\necho hello\n' > "$folder/run.cmd"
WIPEPROOF=$(realpath "$program") WIPEPROOF_ROOT=$folder HOME=$folder \
    timeout 120 nvim --headless --clean -u NONE -n -c "luafile $here/check.lua"
