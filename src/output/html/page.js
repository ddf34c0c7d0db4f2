"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const PAGE = 100, PRINT = 2000;
  const weight = { off: 0, note: 1, warning: 2, error: 3 };
  const words = (id) => String(id ?? "").replaceAll("-", " ");
  // Control and direction characters would change what is read; they are shown instead.
  const shown = (text) => String(text ?? "").replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (c) => `\\u{${c.charCodeAt(0).toString(16)}}`);
  const fill = (node, props, children) => {
    for (const [key, value] of Object.entries(props)) node.setAttribute(key, value);
    for (const child of children) node.append(child instanceof Node ? child : shown(child));
    return node;
  };
  const el = (name, props = {}, ...children) => fill(document.createElement(name), props, children);
  const svg = (name, props = {}, ...children) => fill(document.createElementNS("http://www.w3.org/2000/svg", name), props, children);
  // A path may be broken behind its separators only.
  const path = (text, more = "") => {
    const node = el("span", { class: `path ${more}` });
    shown(text).split(/(?<=[\\/.])/).forEach((part, i) => { if (i) node.append(el("wbr")); node.append(part); });
    return node;
  };
  // A file by its path from the folder that all files are below.
  const file = (artifact) => artifact.startsWith(data.root) ? artifact.slice(data.root.length) : artifact;
  const tag = (text, kind) => el("span", { class: `tag ${kind}` }, text);
  const place = (site) => {
    if (site.source_file) return `${site.source_file}:${site.source_line}`;
    if (site.line) return `${site.line}:${site.column ?? 1}`;
    if (site.method) return site.il_offset === undefined ? site.method : `${site.method}+0x${site.il_offset.toString(16)}`;
    if (site.rva !== undefined) return `${site.symbol ? site.symbol + " " : ""}${site.section ?? "rva"}:0x${site.rva.toString(16)}`;
    if (site.table) return `${site.table}[${site.row}]`;
    return site.key ?? "";
  };
  const nameOf = (rule) => data.rules[rule]?.title ?? "";
  const insteadOf = (row) => row.help ?? data.rules[row.rule]?.now ?? "";
  const outcome = (letter) => data.outcomes[letter] ?? { words: "does not happen", kind: "none" };
  const several = data.targets.length > 1;

  // A square per event: its colour and its letter say what becomes of the state.
  const marks = { s: "", "-": "·", d: "≠" };
  const strip = (at) => {
    const said = [...at].map((letter, i) => `${data.events[i]}: ${outcome(letter).words}`).join("; ");
    const node = svg("svg", { class: "strip", viewBox: `0 0 ${at.length * 14} 14`, width: at.length * 14, height: 14, role: "img", "aria-label": shown(said) });
    [...at].forEach((letter, i) => {
      const cell = svg("g", {}, svg("title", {}, `${data.events[i]}: ${outcome(letter).words}`),
        svg("rect", { class: `fill-${outcome(letter).kind}`, x: i * 14 + 0.5, y: 0.5, width: 12, height: 13, rx: 2 }));
      const mark = marks[letter] ?? (letter === "u" ? "?" : letter.toUpperCase());
      if (mark) cell.append(svg("text", { x: i * 14 + 6.5, y: 10.5, "text-anchor": "middle" }, mark));
      node.append(cell);
    });
    return node;
  };

  // A list that is filtered and sorted in memory and put into the page a hundred at a time.
  const view = (id, rows, textOf, severityOf, render, columns) => {
    const get = (part) => document.getElementById(`${id}-${part}`);
    const body = get("rows"), more = get("more"), count = get("count"), search = get("search"), severity = get("severity"), kind = get("kind"), target = get("target");
    // What is searched is what is read: a control character by its number.
    const texts = rows.map((row) => shown(textOf(row)).toLowerCase());
    let order = rows.map((_, i) => i), filtered = order, drawn = 0;
    for (const name of [...new Set(rows.map((r) => r.kind))].sort()) kind.append(el("option", { value: name }, words(name)));
    const draw = (most) => {
      const part = document.createDocumentFragment();
      for (const end = Math.min(filtered.length, drawn + most); drawn < end; drawn++) part.append(render(rows[filtered[drawn]]));
      body.append(part);
      more.hidden = drawn >= filtered.length;
      more.textContent = `Show ${Math.min(PAGE, filtered.length - drawn)} more of ${filtered.length - drawn}`;
    };
    const refresh = () => {
      const terms = search.value.toLowerCase().split(/\s+/).filter(Boolean), least = weight[severity.value] ?? 0;
      filtered = order.filter((i) => weight[severityOf(rows[i], target?.value)] >= least && (!kind.value || rows[i].kind === kind.value)
        && terms.every((term) => texts[i].includes(term)));
      body.replaceChildren();
      drawn = 0;
      draw(PAGE);
      count.textContent = filtered.length === rows.length ? `all ${rows.length}` : `${filtered.length} of ${rows.length} match`;
    };
    let timer = 0;
    search.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(refresh, 80); });
    for (const control of [severity, kind, target]) control?.addEventListener("change", refresh);
    more.addEventListener("click", () => {
      draw(PAGE);
      if (more.hidden) search.focus();
    });
    const sort = (key, down) => {
      order = rows.map((_, i) => i);
      if (key) order.sort((a, b) => {
        const x = key(rows[a]), y = key(rows[b]);
        return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1) || a - b;
      });
      refresh();
    };
    for (const button of document.querySelectorAll(`#${id}-table thead button`)) {
      button.addEventListener("click", () => {
        const head = button.closest("th"), down = head.getAttribute("aria-sort") === "ascending";
        for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        sort(columns[button.dataset.key], down);
      });
    }
    get("sort")?.addEventListener("change", (e) => sort(columns[e.target.value], false));
    addEventListener("beforeprint", () => {
      if (drawn < PRINT) draw(PRINT - drawn);
      more.textContent = `Printed are the first ${drawn}; ${filtered.length - drawn} more are in the csv and json reports.`;
    });
    addEventListener("afterprint", refresh);
    refresh();
  };

  // Targets on which the same becomes of a location are told once.
  const fatesOf = (fates) => {
    const alike = new Map();
    for (const { id } of data.targets.filter((t) => fates[t.id])) {
      // Where nothing is taken away, it does not matter which events there are.
      const safe = !/[^s-]/.test(fates[id].at), key = JSON.stringify([safe || fates[id].at, fates[id].words, fates[id].volume]);
      alike.set(key, [...(alike.get(key) ?? []), id]);
    }
    // So many sentences are not read any more: the strips say it, and the finding has the words.
    const brief = alike.size > 3;
    return [...alike.values()].map((ids) => fateOf(ids.length === data.targets.length ? "on all targets" : ids.join(", "), fates[ids[0]], brief));
  };
  const fateOf = (id, fate, brief) => {
    const said = several ? [el("strong", {}, id), " "] : [];
    const safe = !/[^s-]/.test(fate.at);
    if (brief && !safe) return el("div", { class: "fate" }, ...said, strip(fate.at));
    return el("div", { class: "fate" }, ...said, safe ? "" : strip(fate.at),
      el("div", { class: `said-${outcome(fate.worst).kind}` }, fate.words || outcome(fate.worst).words, el("span", { class: "soft" }, ` (${words(fate.volume)} volume)`)));
  };
  // A file is named once for all its places that do the same.
  const writersOf = (all) => {
    const alike = new Map();
    for (const w of all) {
      const key = JSON.stringify([w.artifact, w.operation, w.phase]);
      alike.set(key, [...(alike.get(key) ?? []), w]);
    }
    const nodes = [...alike.values()].slice(0, 3).map((group) => {
      const [first] = group, sites = group.map((w) => w.site).filter(Boolean);
      const node = el("div", { class: "writer" }, path(file(first.artifact)), " ",
        el("span", { class: "soft" }, `${data.operations[first.operation] ?? words(first.operation)} ${data.phases[first.phase] ?? words(first.phase)}`));
      for (const site of sites.slice(0, 2)) node.append(el("div", { class: "site" }, path(site)));
      if (sites.length > 2) node.append(el("div", { class: "site soft" }, `and ${sites.length - 2} more ${sites.length > 3 ? "places" : "place"}`));
      return node;
    });
    if (alike.size > 3) nodes.push(el("div", { class: "soft" }, `and ${alike.size - 3} more`));
    return nodes;
  };
  const inventory = data.inventory.map((e) => ({ ...e, kind: e.store }));
  view("inventory", inventory,
    (e) => [e.location, e.store, e.rule, nameOf(e.rule), insteadOf(e), ...Object.values(e.fates).flatMap((f) => [f.words, f.volume]),
      ...e.writers.flatMap((w) => [w.artifact, w.via, w.phase, w.site])].join(" "),
    (e, target) => target ? e.fates[target]?.severity ?? "off" : e.severity,
    (e) => {
      const cell = (label, ...children) => el("td", { "data-label": label }, ...children);
      const writers = writersOf(e.writers), fates = fatesOf(e.fates);
      const severity = [e.severity === "off" ? el("span", { class: "soft" }, "none") : tag(e.severity, e.severity)];
      if (e.accepted) severity.push(" ", tag("accepted", "good"));
      return el("tr", {}, cell("Location", path(e.location)), cell("Kind", words(e.store)), cell("Written by", ...writers),
        cell("What becomes of it", ...fates), cell("Severity", ...severity), cell("Instead", e.severity === "off" ? el("span", { class: "soft" }, "nothing to do") : insteadOf(e)));
    },
    { location: (e) => e.location.toLowerCase(), store: (e) => e.store, writer: (e) => e.writers[0]?.artifact ?? "",
      fate: (e) => Object.values(e.fates)[0]?.words ?? "", severity: (e) => -weight[e.severity] });

  const outcomes = (f) => {
    const events = data.events.map((name, i) => [name, i]).filter(([, i]) => Object.values(f.fates).some((at) => at[i] !== "-"));
    const body = el("tbody"), head = el("tr", {}, el("th", { scope: "col" }, "Target"), ...events.map(([name]) => el("th", { scope: "col" }, name)));
    for (const target of data.targets.map((t) => t.id).filter((id) => f.fates[id])) {
      const at = f.fates[target];
      body.append(el("tr", {}, el("th", { scope: "row" }, target),
        ...events.map(([, i]) => at[i] === "-" ? el("td", {}, "–") : el("td", { class: outcome(at[i]).kind }, outcome(at[i]).words))));
    }
    return el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Outcome per event" },
      el("table", { class: "matrix" }, el("caption", {}, "What becomes of it"), el("thead", {}, head), body));
  };
  const bodyOf = (f) => {
    const rule = data.rules[f.rule] ?? {}, facts = el("dl"), advice = el("dl", { class: "advice", "data-rule": shown(f.rule) }), parts = [facts];
    const rowOf = (list) => (name, ...value) => list.append(el("dt", {}, name), el("dd", {}, ...value));
    const row = rowOf(facts), advise = rowOf(advice);
    const phase = data.phases[f.effect.phase] ?? words(f.effect.phase);
    const sites = f.sites.map(place).filter(Boolean);
    if (f.suppressed) row("Accepted", `${f.suppressed.reason} (${[f.suppressed.kind, f.suppressed.owner ?? "nobody named", f.suppressed.expires && `until ${f.suppressed.expires}`].filter(Boolean).join(", ")})`);
    row("Written by", path(file(f.artifact)));
    row("At", path((sites.slice(0, 20).join(", ") || "no place inside it") + (sites.length > 20 ? ` and ${sites.length - 20} more` : "")));
    row("With", el("code", {}, f.effect.via));
    row("When", phase + (f.effect.phase_evidence ? ` (${f.effect.phase_evidence})` : ""));
    row("How certain", f.confidence);
    if (f.effect.origin !== "unknown") row("Its value", data.origins[f.effect.origin] ?? words(f.effect.origin));
    if (f.effect.traits.length) row("Also", f.effect.traits.map((t) => data.traits[t] ?? words(t)).join("; "));
    if (rule.why) advise("Why it matters", rule.why);
    if (rule.then) advise("Instead, in 2010", rule.then);
    advise("Instead, today", insteadOf(f));
    row("Fingerprint", el("code", {}, f.fingerprint));
    if (f.evidence.length) {
      const steps = el("ol");
      for (const s of f.evidence) {
        const at = [s.artifact && file(s.artifact), s.site && place(s.site)].filter(Boolean).join(": ");
        steps.append(el("li", {}, s.text, at ? " " : "", at ? path(at, "soft") : ""));
      }
      parts.push(el("h3", {}, "Evidence"), steps);
    }
    if (Object.keys(f.fates).length) parts.push(outcomes(f));
    return [...parts, advice];
  };
  const findings = data.findings.map((f) => ({ ...f, kind: f.theme }));
  view("findings", findings,
    (f) => [f.rule, f.name, f.message, f.artifact, f.effect.via, f.effect.store, f.suppressed?.reason].join(" "),
    (f, target) => target ? f.severities[target] ?? "off" : f.severity,
    (f) => {
      const heading = shown(f.message).split(": ")[0];
      const item = el("details", {}, el("summary", {}, tag(f.severity, f.severity), " ", f.suppressed ? tag("accepted", "good") : "", " ",
        path(f.place), el("span", { class: "line soft" }, `${f.rule} ${heading}, in `, path(file(f.artifact)))));
      if (f.severity === "note") item.classList.add("brief");
      item.addEventListener("toggle", () => { if (item.open && item.childElementCount === 1) item.append(...bodyOf(f)); });
      return item;
    },
    { place: (f) => f.place.toLowerCase(), artifact: (f) => f.artifact, rule: (f) => f.rule });

  // On paper nothing can be opened.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open]):not(.brief)")];
    for (const d of closed) d.open = true;
    // The event that fills an entry comes too late for the printer.
    for (const d of document.querySelectorAll("#findings-rows details[open]")) if (d.childElementCount === 1) d.dispatchEvent(new Event("toggle"));
    // What a rule says of all its findings is printed with the first of them.
    const said = new Set();
    for (const advice of document.querySelectorAll("#findings-rows details[open] .advice")) {
      advice.classList.toggle("again", said.has(advice.dataset.rule));
      said.add(advice.dataset.rule);
    }
  });
  addEventListener("afterprint", () => { for (const d of closed) d.open = false; });
  document.documentElement.dataset.ready = "true";
})();
