"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const PAGE = 100, PRINT = 2000;
  const weight = { off: 0, note: 1, warning: 2, error: 3 };
  const words = (id) => id.replaceAll("-", " ");
  // Control and direction characters would change what is read; they are shown instead.
  const shown = (text) => String(text ?? "").replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (c) => `\\u{${c.charCodeAt(0).toString(16)}}`);
  const el = (name, props = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(props)) {
      if (key === "class") node.className = value; else node.setAttribute(key, value);
    }
    for (const child of children) node.append(child instanceof Node ? child : shown(child));
    return node;
  };
  const tag = (text, kind) => el("span", { class: `tag ${kind}` }, text);
  const place = (site) => {
    if (site.source_file) return `${site.source_file}:${site.source_line}`;
    if (site.line) return `${site.line}:${site.column ?? 1}`;
    if (site.method) return site.il_offset === undefined ? site.method : `${site.method}+0x${site.il_offset.toString(16)}`;
    if (site.rva !== undefined) return `${site.symbol ? site.symbol + " " : ""}${site.section ?? "rva"}+0x${site.rva.toString(16)}`;
    if (site.table) return `${site.table}[${site.row}]`;
    return site.key ?? "";
  };
  const kindOf = (outcome) => outcome === "survives" ? "survives" : outcome === "unknown" || outcome === "diverges" ? "unknown"
    : outcome === "reverts" ? "reverts" : "lost";

  // A list that is filtered and sorted in memory and put into the page a hundred at a time.
  const view = (id, rows, textOf, render, columns) => {
    const body = document.getElementById(`${id}-rows`), more = document.getElementById(`${id}-more`);
    const count = document.getElementById(`${id}-count`), search = document.getElementById(`${id}-search`);
    const severity = document.getElementById(`${id}-severity`), kind = document.getElementById(`${id}-kind`);
    const texts = rows.map((row) => textOf(row).toLowerCase());
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
      filtered = order.filter((i) => weight[rows[i].severity] >= least && (!kind.value || rows[i].kind === kind.value)
        && terms.every((term) => texts[i].includes(term)));
      body.replaceChildren();
      drawn = 0;
      draw(PAGE);
      count.textContent = `${filtered.length} of ${rows.length} match`;
    };
    let timer = 0;
    search.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(refresh, 80); });
    severity.addEventListener("change", refresh);
    kind.addEventListener("change", refresh);
    more.addEventListener("click", () => draw(PAGE));
    addEventListener("beforeprint", () => draw(PRINT - drawn > 0 ? PRINT - drawn : 0));
    for (const button of document.querySelectorAll(`#${id}-table thead button`)) {
      button.addEventListener("click", () => {
        const head = button.closest("th"), key = columns[button.dataset.key];
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        order = [...order].sort((a, b) => {
          const x = key(rows[a]), y = key(rows[b]);
          return (x < y ? -1 : x > y ? 1 : a - b) * (down ? -1 : 1);
        });
        refresh();
      });
    }
    refresh();
    return (key) => {
      const at = filtered.findIndex((i) => rows[i].key === key);
      if (at >= drawn) draw(at + 1 - drawn);
    };
  };

  const inventory = data.inventory.map((e) => ({ ...e, kind: e.store }));
  view("inventory", inventory,
    (e) => [e.location, e.store, e.rule, e.help, ...e.writers.flatMap((w) => [w.artifact, w.via, w.phase])].join(" "),
    (e) => {
      const cell = (label, ...children) => el("td", { "data-label": label }, ...children);
      const writers = el("ul");
      for (const w of e.writers.slice(0, 3)) {
        writers.append(el("li", {}, el("span", { class: "path" }, `${w.artifact} ${w.site}`), ` ${words(w.operation)}, ${words(w.phase)}`));
      }
      if (e.writers.length > 3) writers.append(el("li", {}, `and ${e.writers.length - 3} more`));
      const fates = el("div");
      for (const t of data.targets) {
        const fate = e.fates[t.id];
        if (fate) fates.append(el("div", {}, tag(words(fate.outcome), kindOf(fate.outcome)), ` ${data.targets.length > 1 ? t.id + ": " : ""}${fate.words}`, el("span", { class: "soft" }, ` (${fate.volume} volume)`)));
      }
      return el("tr", {}, el("td", { "data-label": "Location" }, el("span", { class: "path" }, e.location)), cell("Kind", words(e.store)), cell("Written by", writers),
        cell("What becomes of it", fates), cell("Severity", e.severity === "off" ? "none" : tag(e.severity, e.severity)), cell("Instead", e.help ?? ""));
    },
    { location: (e) => e.location.toLowerCase(), store: (e) => e.store, writer: (e) => e.writers[0]?.artifact ?? "",
      fate: (e) => Object.values(e.fates)[0]?.outcome ?? "", severity: (e) => -weight[e.severity] });

  const outcomes = (f) => {
    const table = el("table", { class: "matrix" }, el("caption", {}, "What becomes of it"));
    const events = [...new Set(f.outcomes.map((o) => o.event))];
    table.append(el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Target"), ...events.map((e) => el("th", { scope: "col" }, data.events[e] ?? words(e))))));
    const body = el("tbody");
    for (const target of [...new Set(f.outcomes.map((o) => o.target))]) {
      const row = el("tr", {}, el("th", { scope: "row" }, target));
      for (const event of events) {
        const at = f.outcomes.find((o) => o.target === target && o.event === event);
        row.append(at ? el("td", { class: kindOf(at.outcome) }, words(at.outcome)) : el("td", {}, "–"));
      }
      body.append(row);
    }
    table.append(body);
    return el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Outcome per event" }, table);
  };
  const bodyOf = (f) => {
    const rule = data.rules[f.rule] ?? {}, list = el("dl"), parts = [el("p", {}, f.message)];
    const row = (name, ...value) => list.append(el("dt", {}, name), el("dd", {}, ...value));
    row("Written by", el("span", { class: "path" }, f.artifact));
    row("At", el("span", { class: "path" }, f.sites.slice(0, 20).map(place).filter(Boolean).join(", ") || "no place inside it"));
    row("With", el("code", {}, f.effect.via));
    row("When", words(f.effect.phase) + (f.effect.phase_evidence ? `: ${f.effect.phase_evidence}` : f.effect.phase === "unknown" ? ", judged as while it runs" : ""));
    row("How certain", f.confidence);
    if (f.effect.traits.length) row("Also", f.effect.traits.map(words).join(", "));
    if (f.suppressed) row("Accepted", `${f.suppressed.reason} (${[f.suppressed.kind, f.suppressed.owner, f.suppressed.expires && `until ${f.suppressed.expires}`].filter(Boolean).join(", ")})`);
    if (rule.why) row("Why it matters", rule.why);
    if (rule.then) row("Instead, then", rule.then);
    row("Instead, now", f.help || rule.now || "");
    row("Fingerprint", el("code", {}, f.fingerprint));
    parts.push(list);
    if (f.evidence.length) {
      const steps = el("ol");
      for (const s of f.evidence) {
        const at = [s.artifact, s.site && place(s.site)].filter(Boolean).join(": ");
        steps.append(el("li", {}, s.text, at ? el("span", { class: "path soft" }, `  ${at}`) : ""));
      }
      parts.push(el("h3", {}, "Evidence"), steps);
    }
    if (f.outcomes.length) parts.push(outcomes(f));
    return parts;
  };
  const findings = data.findings.map((f) => ({ ...f, kind: data.rules[f.rule]?.theme ?? "other" }));
  view("findings", findings,
    (f) => [f.rule, f.name, f.message, f.artifact, f.effect.via, f.effect.store].join(" "),
    (f) => {
      const item = el("details", {}, el("summary", {}, tag(f.severity, f.severity), f.suppressed ? tag("accepted", "good") : "", ` ${f.rule} `,
        el("span", { class: "path" }, f.effect.location), el("span", { class: "soft" }, ` in ${f.artifact}`)));
      item.addEventListener("toggle", () => { if (item.open && item.childElementCount === 1) item.append(...bodyOf(f)); });
      return item;
    }, {});
  addEventListener("beforeprint", () => { for (const d of document.querySelectorAll("details")) d.open = true; });
  document.documentElement.dataset.ready = "true";
})();
