#!/usr/bin/env bash
# Tests the language server with headless Neovim. Usage: tests/editor/run.sh [PROGRAM]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=${1:-$here/../../target/debug/wipeproof}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
printf '@echo off\nrem wipeproof: allow(WP201) because of that\necho hello\n' > "$folder/run.cmd"
cat > "$folder/Web.config" <<'XML'
<?xml version="1.0"?>
<configuration>
  <system.web>
    <authentication mode="Forms" />
    <sessionState mode="Off" />
    <machineKey validationKey="AutoGenerate,IsolateApps" decryptionKey="AutoGenerate,IsolateApps" />
  </system.web>
</configuration>
XML
# The block of the documentation that this Neovim understands, and the program under the name that it has there.
setup=$(mktemp --suffix .lua)
trap 'rm -rf "$folder" "$setup" "$path"' EXIT
awk '/^From version 0.7/ { wanted = 1 } /^```$/ && inside { exit } inside { print } /^```lua$/ && wanted { inside = 1 }' \
    "$here/../../docs/editors.md" > "$setup"
path=$(mktemp -d)
ln -s "$(realpath "$program")" "$path/wipeproof"
PATH=$path:$PATH WIPEPROOF_ROOT=$folder WIPEPROOF_SETUP=$setup HOME=$folder \
    timeout 120 nvim --headless --clean -u NONE -n -c "luafile $here/check.lua"
