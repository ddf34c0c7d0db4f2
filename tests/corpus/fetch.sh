#!/bin/sh
# Fetches the packages of inputs.list with their own clients and unpacks them: fetch.sh CORPUS
# Afterwards CORPUS/x/SOURCE-FILE holds the contents of each. Needs python3 with pip, npm, apt and unzip; a package that
# cannot be had is named and left out, and the score says which labels could not be checked.
set -u
corpus=$(mkdir -p "${1:?usage: fetch.sh CORPUS}" && cd "$1" && pwd) || exit 1
list=$(cd "$(dirname "$0")" && pwd)/inputs.list
mkdir -p "$corpus/downloads/npm" "$corpus/downloads/pypi" "$corpus/downloads/deb" "$corpus/x"

fetch() {
    cd "$corpus/downloads/$1" || return 1
    case $1 in
        npm) npm pack --silent "$2@$3" ;;
        pypi) python3 -m pip download -q --no-deps --only-binary=:all: --platform "$4" --python-version "$5" "$2==$3" ;;
        deb) apt-get download -qq "$2=$3" ;;
    esac >/dev/null 2>&1
}

unpack() {
    source=$1 file=$2 name=$(basename "$2" "$3")
    target=$corpus/x/$source-$name
    [ -e "$file" ] && [ ! -d "$target" ] || return 0
    mkdir -p "$target"
    case $source in
        npm) tar xzf "$file" -C "$target" ;;
        pypi) unzip -q -o "$file" -d "$target" ;;
        deb) dpkg -x "$file" "$target" ;;
    esac
}

grep -v -e '^#' -e '^$' "$list" | while read -r source name version platform python; do
    fetch "$source" "$name" "$version" "$platform" "$python" </dev/null || echo "left out: $source $name $version" >&2
done
for file in "$corpus"/downloads/npm/*.tgz; do unpack npm "$file" .tgz; done
for file in "$corpus"/downloads/pypi/*.whl; do unpack pypi "$file" .whl; done
for file in "$corpus"/downloads/deb/*.deb; do unpack deb "$file" .deb; done
