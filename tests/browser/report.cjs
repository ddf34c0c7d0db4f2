// Opens HTML reports in a headless Chromium as a reader would: no console errors, no network, search, filter and sort,
// keyboard, narrow and dark, print, accessibility, speed.
//
//   node tests/browser/report.cjs REPORT.html [SCREENSHOT-FOLDER]
//
// Needs playwright-core and axe-core (found through NODE_PATH) and a Chromium (CHROMIUM, or the one in the path).
"use strict";
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { execFileSync } = require("node:child_process");
const { chromium } = require("playwright-core");

const [file, folder] = process.argv.slice(2);
const executablePath = process.env.CHROMIUM ?? execFileSync("which", ["chromium"], { encoding: "utf8" }).trim();
const picture = async (page, name, fullPage = true) => {
  if (folder) await page.screenshot({ path: path.join(folder, name), fullPage });
};

(async () => {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  const page = await context.newPage();
  const problems = [];
  page.on("console", (m) => { if (["error", "warning"].includes(m.type())) problems.push(m.text()); });
  page.on("pageerror", (e) => problems.push(String(e)));
  page.on("dialog", (d) => { problems.push(`dialog: ${d.message()}`); d.dismiss(); });
  page.on("request", (r) => { if (!r.url().startsWith("file:")) problems.push(`request: ${r.url()}`); });

  const begin = Date.now();
  await page.goto(pathToFileURL(path.resolve(file)).href);
  await page.waitForSelector("html[data-ready]");
  const ready = Date.now() - begin;
  assert.ok(ready < 5000, `ready after ${ready} ms`);
  const size = await page.evaluate(() => JSON.parse(document.getElementById("data").textContent).findings.length);
  await picture(page, "wide.png", size < 200);

  const rows = () => page.locator("#inventory-rows > tr").count();
  const all = await rows();
  if (all > 1) {
    const first = await page.locator("#inventory-rows td").first().textContent();
    await page.fill("#inventory-search", first.slice(0, 40));
    // The page waits a moment for more to be typed.
    await page.waitForTimeout(300);
    assert.ok(await rows() >= 1, "the search finds what it was given");
    await page.fill("#inventory-search", "no such place anywhere");
    await page.waitForFunction(() => document.querySelectorAll("#inventory-rows > tr").length === 0);
    assert.match(await page.textContent("#inventory-count"), /^0 of /);
    await page.fill("#inventory-search", "");
    await page.waitForFunction((n) => document.querySelectorAll("#inventory-rows > tr").length === n, all);
    await page.selectOption("#inventory-severity", "error");
    const kinds = await page.locator("#inventory-rows td[data-label=Severity]").allTextContents();
    assert.ok(kinds.every((k) => k === "error"), "the filter keeps errors only");
    await page.selectOption("#inventory-severity", "");
    // By keyboard: the header is a button.
    await page.focus("#inventory-table thead button");
    await page.keyboard.press("Enter");
    assert.equal(await page.getAttribute("#inventory-table thead th", "aria-sort"), "ascending");
    const sorted = await page.locator("#inventory-rows td[data-label=Location]").allTextContents();
    assert.deepEqual(sorted, [...sorted].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)));
  }
  const finding = page.locator("#findings-rows summary").first();
  if (await finding.count()) {
    await finding.focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector("#findings-rows details[open] dl");
    await page.locator("#findings-rows details").first().scrollIntoViewIfNeeded();
    await picture(page, "finding.png", false);
  }
  const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(await overflow() <= 0, "the page is wider than the window");

  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    // The page's own policy refuses foreign scripts, so the checker is evaluated from outside.
    await page.evaluate(fs.readFileSync(require.resolve("axe-core"), "utf8"));
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    const told = violations.map((v) => `${v.id}: ${v.help} (${v.nodes.length}: ${v.nodes[0].target} ${v.nodes[0].failureSummary})`);
    assert.deepEqual(told, [], `accessibility, ${scheme}`);
    await page.setViewportSize({ width: 400, height: 800 });
    assert.ok(await overflow() <= 0, `too wide at 400, ${scheme}`);
    await picture(page, `narrow-${scheme}.png`, size < 200);
    await page.setViewportSize({ width: 1400, height: 900 });
    if (scheme === "dark") await picture(page, "dark.png", size < 200);
  }
  await page.emulateMedia({ colorScheme: "light" });
  const pdf = await page.pdf({ format: "A4", path: folder && path.join(folder, "report.pdf") });
  assert.ok(pdf.length > 1000);
  assert.deepEqual(problems, [], "console");
  console.log(`${file}: ${size} findings, ready after ${ready} ms, ${pdf.length} bytes of PDF`);
  await browser.close();
})().catch((error) => { console.error(error); process.exit(1); });
