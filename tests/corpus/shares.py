#!/usr/bin/env python3
"""Prints how much of what programs write could be located, as Markdown tables: one section for each kind of program.

    tests/corpus/shares.py CORPUS [--tool target/release/wipeproof] [--jobs 2]

Unlike score.py it knows no right answers: it counts calls, and what the readers say of them. Both are needed, for a
reader that says nothing makes no mistake either. CORPUS holds x/, as for score.py.
"""
import argparse
import collections
import concurrent.futures
import pathlib
import re
import struct
import subprocess
import sys

EFFECT = re.compile(r"^effect (\S+) (\S+) (.+?) certainty=(\w+) via=(\S+)(.*)$")
SITE = re.compile(r"\bat=\S*rva:(0x[0-9a-f]+)")
MORE = re.compile(r'step "and (\d+) further calls whose location is not known"')
UNKNOWN_MODE = "whether it writes is not known"
REASON = re.compile(r'step "(mode not known|not known): (.+?)(?: \((\d+) calls\))?"')
# Reasons for which nothing in the image could say the place: who calls it from elsewhere does, or a script behind it.
OUTSIDE = {"given by a library", "a parameter that is given from outside or through a pointer",
           "in data that the program reads from its own file"}
FILES = {"file", "temp-file", "log", "cache", "dump"}
# A hole of which not even the source is known, or which only a caller that was not found could fill in.
NOTHING = re.compile(r"\{(\?|param:[^{}]*)\}")


def artifacts(listing):
    """The listing of each file: its path, its format, and its lines."""
    for block in re.split(r"^(?=artifact )", listing, flags=re.MULTILINE):
        head = re.match(r"artifact (.+?)(?: format=(\S+))?(?: .*)?$", block, re.MULTILINE)
        if head:
            yield head.group(1), head.group(2) or "", block.splitlines()[1:]


def effects(lines):
    """Each effect with the steps of its evidence."""
    found = None
    for line in lines:
        match = EFFECT.match(line)
        if match:
            if found:
                yield found
            operation, store, location, certainty, via, rest = match.groups()
            site = SITE.search(rest)
            found = {
                "operation": operation, "store": store, "location": location.strip('"'), "certainty": certainty,
                "via": via.rsplit("!", 1)[-1], "site": site.group(1) if site else "", "steps": [],
            }
        elif line.startswith("  ") and found:
            found["steps"].append(line.strip())
        elif found:
            yield found
            found = None
    if found:
        yield found


def extent(location):
    """How much is known: `full`, `partial` or `none`."""
    rest = NOTHING.sub("", location)
    if not re.search(r"[\w{]", rest):
        return "none"
    return "partial" if re.search(r"\{(\?|[a-z-]+:[^{}]*)\}", location) else "full"


# --- native code ---------------------------------------------------------------------------------------------------


def family(data):
    """Compiler and language of a PE image, from what the tools leave in it."""
    try:
        header = struct.unpack_from("<I", data, 0x3C)[0]
        linker = data[header + 26]
    except (struct.error, IndexError):
        return "other"
    if b"\xff Go buildinf:" in data:
        return "Go"
    if b"/rustc/" in data or b"rust_panic" in data:
        return "Rust"
    if b"Borland" in data or b"Embarcadero" in data or b"SOFTWARE\\Borland\\Delphi" in data:
        return "Delphi, C++Builder"
    if b"MSVBVM60" in data.upper()[:1 << 20]:
        return "Visual Basic 6"
    gnu = b"GCC: (" in data or b"libgcc" in data or b"mingw" in data.lower()
    microsoft = b"Rich" in data[:header]
    # Names that only C++ has: the run-time types and the mangled names of the two compilers.
    plus = re.search(rb"\.\?A[VU]|\?\?[0-9_]\w+@@|_ZN\w+|_ZSt\w+|_ZTI\w+", data) is not None
    if gnu and not microsoft:
        return "C++, MinGW" if plus else "C, MinGW"
    if microsoft or linker >= 6:
        return "C++, MSVC" if plus else "C, MSVC"
    return "other"


class Native:
    """Counts of one family."""

    def __init__(self):
        self.images = 0
        self.places = collections.Counter()
        self.modes = collections.Counter()
        self.registry = collections.Counter()
        # Of what is not known, by reason: places of writes, modes of opens, roots of registry keys.
        self.gaps = {what: collections.Counter() for what in ("place", "mode", "root")}

    def given(self, what):
        return sum(n for reason, n in self.gaps[what].items() if reason in OUTSIDE)

    def add(self, other):
        self.images += other.images
        self.places.update(other.places)
        self.modes.update(other.modes)
        self.registry.update(other.registry)
        for what, counts in self.gaps.items():
            counts.update(other.gaps[what])


def reasons(effect, words):
    """How many calls have which reason."""
    found = (REASON.match(step) for step in effect["steps"])
    return collections.Counter({m.group(2): int(m.group(3) or 1) for m in found if m and m.group(1) == words})


def opens(effect):
    return effect["store"] in FILES | {"database"} and any(
        re.match(r'step "call of \w+: (access|mode|flags|style|open mode|unknown)', s) for s in effect["steps"]
    )


def count_native(lines):
    """One image. A call counts once: `full` when it is located in full whoever calls the function around it."""
    tally = Native()
    tally.images = 1
    extents, modes = collections.defaultdict(set), {}
    for effect in effects(lines):
        number = 1 + sum(int(m.group(1)) for s in effect["steps"] for m in [MORE.match(s)] if m)
        known = extent(effect["location"])
        site = effect["site"]
        if opens(effect):
            word = "unknown" if any(UNKNOWN_MODE in s for s in effect["steps"]) else "known"
            # A call whose mode is known for some callers only is not a known one.
            modes[site] = "unknown" if "unknown" in (word, modes.get(site)) else word
            tally.modes[word] += number - 1
            if word == "unknown":
                tally.gaps["mode"].update(reasons(effect, "mode not known"))
        if effect["store"] in FILES and effect["operation"] in ("create", "write", "append", "copy", "rename"):
            extents[site].add(known)
            tally.places[known] += number - 1
            if known == "none":
                tally.gaps["place"].update(reasons(effect, "not known"))
            if any("for other callers" in s for s in effect["steps"]):
                extents[site].add("none")
        if effect["store"] == "registry" and effect["operation"] not in ("read", "grant"):
            count_registry(tally.registry, effect, number)
            if not re.match(r"HK\w+\\", effect["location"]):
                tally.gaps["root"].update(reasons(effect, "not known"))
    for seen in extents.values():
        tally.places[seen.pop() if len(seen) == 1 else "partial"] += 1
    tally.modes.update(modes.values())
    return tally


def count_registry(counter, effect, number):
    key, value = effect["location"], None
    if effect["operation"] in ("set-value", "delete-value"):
        key, _, value = effect["location"].rpartition("\\")
    root, _, below = key.partition("\\")
    counter["all"] += number
    counter["root"] += number * (re.match(r"HK\w+$", root) is not None)
    counter["key"] += number * (re.search(r"\w", NOTHING.sub("", below)) is not None)
    counter["full key"] += number * (re.match(r"HK\w+$", root) is not None and "{" not in below and below != "")
    if value is not None:
        counter["values"] += number
        counter["value"] += number * (NOTHING.sub("", value) != "" or not value)


def share(part, whole):
    return f"{part} ({100 * part / whole:.0f} %)" if whole else "-"


def aims(total):
    """What was aimed at, what is reached, and why not."""
    calls, opened, r = sum(total.places.values()), sum(total.modes.values()), total.registry
    lines = []
    for what, part, whole, given, aim in [
        ("modes of opens", total.modes["known"], opened, total.given("mode"), 95),
        ("write locations in full or in part", total.places["full"] + total.places["partial"], calls,
         total.given("place"), 50),
        ("registry roots", r["root"], r["all"], total.given("root"), 85),
        ("registry keys", r["key"], r["all"], total.given("root"), 70),
    ]:
        reached = "reached" if whole and 100 * part >= aim * whole else "not reached"
        inside = share(part, whole - given)
        lines.append(f"- {what}: {share(part, whole)}, aim {aim} % ({reached}); without those given from outside {inside}")
    return [
        "Aims over all families:",
        "",
        *lines,
        "",
        "Most images of the collection are bindings of languages, libraries of frameworks, and stubs of installers: they open "
        "what a caller outside the image names, or a script that is put behind them. A call of which only a "
        "caller outside the image could say the place counts as one without a location, and its mode, which is handed "
        "on in the same way, as not known. Beside these, what is missed are paths that are kept in containers and in "
        "strings of a library that is linked in without names, and functions that are deeper below the call than is "
        "followed.",
    ]


def native_section(listings):
    """What native code writes, by compiler family."""
    families = collections.defaultdict(Native)
    for path, form, lines in listings:
        # What lies inside a bundle is no file whose compiler could be told: libraries of the runtime, mostly.
        if form not in ("pe-x64", "pe-x86") or "!/" in path:
            continue
        families[family(pathlib.Path(path).read_bytes())].add(count_native(lines))
    total = Native()
    rows = sorted(families.items())
    for _, tally in rows:
        total.add(tally)
    rows.append(("**all**", total))
    out = [
        "## Native code",
        "",
        "Calls that open, copy or move a file for writing, and how much of its location is known; how many calls that "
        "open a file have a known mode. Given from outside are those without a location (or mode) that only code outside "
        "the image could name: a library, or whoever calls an exported function, or one that only pointers lead to, or "
        "the script behind a stub that reads its own file.",
        "",
        "| family | images | calls | full | partial | none | given from outside | opens | mode known | given from outside |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, t in rows:
        calls, opened = sum(t.places.values()), sum(t.modes.values())
        cells = [share(t.places[k], calls) for k in ("full", "partial", "none")]
        out.append(f"| {name} | {t.images} | {calls} | {' | '.join(cells)} | {t.given('place')} | {opened} "
                   f"| {share(t.modes['known'], opened)} | {t.given('mode')} |")
    out += [
        "",
        "Calls that change the registry: whose root is known, some of whose key below the root is known, all of whose "
        "key is known, and the name of whose value is known.",
        "",
        "| family | calls | root | given from outside | key | whole key | values | name |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, t in rows:
        r = t.registry
        cells = [share(r[k], r["all"]) for k in ("root", "key", "full key")]
        cells.insert(1, str(t.given("root")))
        out.append(f"| {name} | {r['all']} | {' | '.join(cells)} | {r['values']} | {share(r['value'], r['values'])} |")
    out += [""] + obstacles(rows) + aims(total)
    return out + [""]


def obstacles(rows):
    """Why something is not known: what to mend first."""
    lines = ["Why the place of a write, the mode of an open, or the root of a key is not known, by number of calls:", ""]
    names = [name for name, tally in rows if any(tally.gaps.values())]
    for what, title in [("place", "place not known"), ("mode", "mode not known"), ("root", "root not known")]:
        lines += [f"| {title} | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
        for reason, _ in sorted(rows[-1][1].gaps[what].items(), key=lambda item: (-item[1], item[0])):
            cells = [str(tally.gaps[what][reason] or "-") for name, tally in rows if name in names]
            lines.append(f"| {reason} | {' | '.join(cells)} |")
        lines.append("")
    return lines


# --- .NET ------------------------------------------------------------------------------------------------------------

IL_SITE = re.compile(r"\bat=(\S*il:0x[0-9a-f]+)")
MODES = {"FileStream::.ctor", "File::Open", "File::OpenHandle", "FileInfo::Open", "IsolatedStorageFile::OpenFile",
         "IsolatedStorageFileStream::.ctor"}
# Kinds of places, in the order of the table: files by what is done to them, then the other stores.
WRITTEN = ("create", "write", "append")


def kind_of_sink(effect):
    """The row that a call counts in; `None` for reads and for what has no location to be found."""
    store, operation = effect["store"], effect["operation"]
    if store in FILES:
        if operation in WRITTEN:
            return "files written"
        if operation in ("copy", "rename"):
            return "files copied or moved"
        return "files deleted" if operation == "delete" else None
    names = {"directory": "folders", "database": "databases", "isolated-storage": "isolated storage",
             "settings": "settings", "event-log": "event log", "key": "keys", "ciphertext": "keys",
             "certificate": "certificates", "queue": "queues", "named-object": "named objects"}
    return None if operation == "read" else names.get(store)


def il_effects(lines):
    """Each effect with the place of its call, which stands at the end of its line."""
    text = [line for line in lines if EFFECT.match(line)]
    for effect, line in zip(effects(lines), text):
        match = IL_SITE.search(line)
        yield effect, match.group(1) if match else line


def worst(extents):
    return "full" if extents == {"full"} else "none" if extents == {"none"} else "partial"


def dotnet_section(listings):
    """What assemblies write, by kind of place."""
    places = collections.defaultdict(lambda: collections.defaultdict(set))
    given, modes, registry, assemblies, why = set(), {}, collections.Counter(), 0, {}
    site_and_location = set()
    for path, form, lines in listings:
        if form != "assembly":
            continue
        assemblies += 1
        for effect, at in il_effects(lines):
            site = (path, at, effect["via"])
            site_and_location.add((site, effect["location"]))
            if any(effect["via"].endswith(name) for name in MODES):
                known = effect["operation"] == "read" or any("FileMode." in step for step in effect["steps"])
                modes[site] = "known" if known else "unknown"
            if effect["store"] == "registry" and effect["operation"] not in ("read", "grant"):
                count_registry(registry, effect, 1)
            kind = kind_of_sink(effect)
            if kind:
                for step in effect["steps"]:
                    reason = re.search(r"not known: (.+?)\"?$", step)
                    if reason:
                        why[site] = reason.group(1)
                places[kind][site].add(extent(effect["location"]))
                if "{param:" in effect["location"]:
                    given.add(site)
    special = special_folders(site_and_location)
    out = [
        "## .NET assemblies",
        "",
        f"{assemblies} assemblies, those of frameworks left out by the reader. Calls by how much of their location is "
        "known; the last column says how many of those without any get it from a caller that is not among the files.",
        "",
        "| what is changed | calls | full | partial | none | given from outside |",
        "|---|---|---|---|---|---|",
    ]
    whole = collections.Counter()
    rows = []
    for kind, sites in sorted(places.items()):
        counts = collections.Counter(worst(seen) for seen in sites.values())
        counts["given"] = sum(site in given for site, seen in sites.items() if worst(seen) == "none")
        whole.update(counts)
        rows.append((kind, counts))
    for kind, counts in rows + [("**all**", whole)]:
        calls = sum(counts[k] for k in ("full", "partial", "none"))
        cells = [share(counts[k], calls) for k in ("full", "partial", "none")]
        out.append(f"| {kind} | {calls} | {' | '.join(cells)} | {share(counts['given'], counts['none'])} |")
    known = collections.Counter(modes.values())
    r = registry
    out += [
        "",
        f"File modes: {share(known['known'], len(modes))} of {len(modes)} calls that take one. "
        f"Registry: root {share(r['root'], r['all'])}, key {share(r['key'], r['all'])}, whole key "
        f"{share(r['full key'], r['all'])} of {r['all']} calls that change it; name {share(r['value'], r['values'])} of "
        f"{r['values']} values.",
        "",
        "What stands in the way where nothing of a place is known:",
        "",
    ]
    out[-2:-2] = [f"Special folders: {share(*special)} of {special[1]} places that begin with one say which.", ""]
    missed = {site for sites in places.values() for site, seen in sites.items() if worst(seen) == "none"}
    causes = collections.Counter(cause(why.get(site, "")) for site in missed)
    out += [f"- {text}: {n}" for text, n in sorted(causes.items(), key=lambda item: (-item[1], item[0]))]
    return out + [""]


def special_folders(site_and_location):
    """How many places begin with a folder of `Environment.GetFolderPath` that is known, and how many with any."""
    heads = [re.match(r"\{([A-Za-z]+)(:GetFolderPath)?\}", location) for _, location in site_and_location]
    named = [m.group(1) for m in heads if m and m.group(2) is None]
    known = sum(name not in ("AppDir", "Cwd", "Temp", "WebRoot", "UserChosen") for name in named)
    return known, known + sum(1 for m in heads if m and m.group(2))


def cause(text):
    """Kinds of reasons, whatever the names in them."""
    text = text.replace("``", "`")
    if text.startswith("what `"):
        name = re.search(r"`(.*)`", text).group(1)
        return "what a method of a library gives" if re.match(r"(System|Microsoft)\.", name) else "what a method gives that is not followed"
    if text.startswith("the field"):
        return "a field that nothing assigns"
    return text or "not said"


# --- all sections --------------------------------------------------------------------------------------------------

SECTIONS = [native_section, dotnet_section]


def facts(tool, folder):
    done = subprocess.run([tool, "facts", str(folder)], capture_output=True, timeout=3600)
    if done.returncode not in (0, 4):
        sys.exit(f"{folder}: no listing: {done.stderr.decode(errors='replace')[:500]}")
    return list(artifacts(done.stdout.decode(errors="replace")))


def listings_of(tool, corpus, jobs):
    """Of every package; each is read by a process of its own."""
    folders = sorted(p for p in (corpus / "x").iterdir() if p.is_dir())
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for found in pool.map(lambda folder: facts(tool, folder), folders):
            yield from found


def tables(tool, corpus, jobs=2):
    """The lines of all sections."""
    listings = list(listings_of(tool, corpus, jobs))
    return [line for section in SECTIONS for line in section(listings)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("--tool", default="target/release/wipeproof")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    print("\n".join(tables(options.tool, options.corpus, options.jobs)))


if __name__ == "__main__":
    main()
