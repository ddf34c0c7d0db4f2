#!/usr/bin/env python3
"""Checks what is said of kinds of .NET programs that only current compilers make: kinds.json over real packages.

    tests/corpus/kinds.py CORPUS [--tool target/release/wipeproof]

CORPUS holds x/, made by fetch.sh. Every pattern of `says` (`*` stands for anything) has to match a line of the facts of
`path`, or of what another `command` prints of it. What is not there is named and not counted; the exit status is 1 where a pattern matches nothing.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def wildcard(pattern):
    return re.compile(".*".join(re.escape(piece) for piece in pattern.split("*")))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("--tool", default="target/release/wipeproof")
    args = parser.parse_args()
    missed = 0
    for kind in json.loads((HERE / "kinds.json").read_text()):
        path = args.corpus / "x" / kind["path"]
        if not path.exists():
            print(f"not there: {kind['what']}")
            continue
        command = [args.tool, *kind.get("command", "facts").split(), str(path)]
        lines = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False).stdout.splitlines()
        unmet = [p for p in kind["says"] if not any(wildcard(p).fullmatch(line.strip()) for line in lines)]
        missed += len(unmet)
        print(f"{'missed' if unmet else 'met'}: {kind['what']}")
        for pattern in unmet:
            print(f"    no line like {pattern}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
