// The schema of wipeproof.toml in a TOML language server (Tombi), as an editor uses it: nothing is marked in the settings of
// the samples, and a wrong key, value and token are.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL, fileURLToPath } from "node:url";

const PATIENCE = 20_000;
const SETTLED = 1_500;
const root = resolve(fileURLToPath(import.meta.url), "../../..");
const folder = mkdtempSync(join(tmpdir(), "wipeproof-schema-"));
const end = (status, words) => {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
  console.log(words);
  process.exit(status);
};

// What is to be marked in each file, by words of the message; nothing in the samples.
const samples = readdirSync(join(root, "fixtures/apps"))
  .map((app) => join(root, "fixtures/apps", app, "wipeproof.toml"))
  .filter((file) => existsSync(file))
  .map((file) => ({ text: readFileSync(file, "utf8"), marked: [] }));
const wrong = [
  { text: 'targets = ["vm-role"]\nexlude = []\n', marked: ["exlude"] },
  { text: 'fail-on = "fatal"\n', marked: ["fatal"] },
  { text: '[third-party]\ntokens = ["xyz"]\n', marked: ["xyz"] },
];
copyFileSync(join(root, "docs/wipeproof.schema.json"), join(folder, "wipeproof.schema.json"));
const open = [...samples, ...wrong].map(({ text, marked }, number) => {
  const file = join(folder, `${number}.toml`);
  const whole = `#:schema ./wipeproof.schema.json\n${text}`;
  writeFileSync(file, whole);
  return { uri: pathToFileURL(file).href, text: whole, marked, told: undefined };
});

const server = spawn("tombi", ["lsp", "--offline"], { cwd: folder, stdio: ["pipe", "pipe", "ignore"] });
const send = (message) => {
  const body = JSON.stringify({ jsonrpc: "2.0", ...message });
  server.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
};
setTimeout(() => {
  const bad = unlike();
  end(1, bad?.told ? `${JSON.stringify(bad.told)} is said of\n${bad.text}` : "the language server does not answer");
}, PATIENCE).unref();

const hear = (message) => {
  if (message.id === "begin" && message.result) {
    send({ method: "initialized", params: {} });
    for (const { uri, text } of open) {
      send({ method: "textDocument/didOpen", params: { textDocument: { uri, languageId: "toml", version: 1, text } } });
      send({ id: uri, method: "textDocument/diagnostic", params: { textDocument: { uri } } });
    }
  } else if (message.method && message.id !== undefined) {
    const items = message.params?.items ?? [];
    send({ id: message.id, result: message.method === "workspace/configuration" ? items.map(() => null) : null });
  } else if (message.result?.items) {
    told(message.id, message.result.items);
  } else if (message.method === "textDocument/publishDiagnostics") {
    told(message.params.uri, message.params.diagnostics);
  }
};
const asWanted = ({ told, marked }) =>
  told && (told.length > 0) === (marked.length > 0) && marked.every((word) => told.some((m) => m.includes(word)));
const unlike = () => open.find((file) => !asWanted(file));
let settled;
const told = (uri, diagnostics) => {
  const file = open.find((f) => f.uri === uri);
  if (file) file.told = diagnostics.map((d) => d.message);
  clearTimeout(settled);
  // The first answers come before the schema is read, so what is right has to stay so for a while.
  if (!unlike()) settled = setTimeout(() => end(0, `the language server takes ${samples.length} settings files and refuses ${wrong.length}`), SETTLED);
};

let input = Buffer.alloc(0);
server.stdout.on("data", (chunk) => {
  input = Buffer.concat([input, chunk]);
  for (;;) {
    const split = input.indexOf("\r\n\r\n");
    const length = Number(/Content-Length: (\d+)/i.exec(input.subarray(0, Math.max(split, 0)).toString())?.[1] ?? NaN);
    if (split < 0 || !(input.length >= split + 4 + length)) return;
    const body = input.subarray(split + 4, split + 4 + length).toString();
    input = input.subarray(split + 4 + length);
    hear(JSON.parse(body));
  }
});
const capabilities = { textDocument: { diagnostic: {}, publishDiagnostics: {} } };
const workspace = pathToFileURL(folder).href;
send({ id: "begin", method: "initialize", params: { processId: process.pid, rootUri: workspace, capabilities } });
