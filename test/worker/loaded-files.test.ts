// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { stampOf } from "../../ts/file-watch.ts";
import { FrameType, WireError } from "../../ts/wire/protocol.ts";
import { decodeAbort } from "../../ts/wire/signal.ts";
import { Sources } from "../helpers/sources.ts";
import { startWorker, type WorkerOptions, WorkerProcess } from "../helpers/worker-process.ts";

const APP = `import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import "./static.ts";
import "linked";
import data from "./data.json" with { type: "json" };
const require = createRequire(import.meta.url);
require("./common.cjs");
try { require("./addon.node"); } catch {}
export default { fetch: async () => new Response((await import("./dynamic.ts")).text) };
`;

const FILES = {
  "package.json": '{ "type": "module" }',
  "app.ts": APP,
  "static.ts": "",
  "data.json": "{}",
  "common.cjs": 'require("./deep.json");',
  "deep.json": "{}",
  "addon.node": "",
  "dynamic.ts": 'export const text = "answer";',
  "packages/linked/package.json": '{ "name": "linked", "main": "index.js" }',
  "packages/linked/index.js": "",
  "node_modules/.keep": "",
};

describe("files that a worker has loaded", () => {
  let sources: Sources;
  let worker: WorkerProcess | undefined;

  beforeEach(() => {
    sources = new Sources(FILES);
    symlinkSync("../packages/linked", sources.path("node_modules/linked"));
  });

  afterEach(async () => {
    await worker?.remove();
    sources.remove();
  });

  async function start(reload: WorkerOptions["reload"]): Promise<WorkerProcess> {
    worker = await startWorker({ app: sources.path("app.ts"), reload: reload ?? "off" });
    return worker;
  }

  /** What it has told: paths within the folder, to stamps. */
  function told({ messages }: WorkerProcess): Map<string, string> {
    const files = messages.flatMap((message) => message.files ?? []);
    const prefix = `${sources.folder}/`;
    return new Map(files.map(([path, stamp]) => [path.replace(prefix, ""), stamp]));
  }

  it("are told, whatever loads them, with what they were before", async () => {
    const running = await start("graceful");
    const names = ["app.ts", "static.ts", "data.json", "common.cjs", "deep.json", "addon.node"];
    names.push("package.json", ".env", "node_modules/linked", "packages/linked/index.js");
    await running.until(() => names.every((name) => told(running).has(name)), "files");
    const stamps = told(running);
    for (const name of names) assert.equal(stamps.get(name), stampOf(sources.path(name)), name);
    assert.equal(stamps.has("dynamic.ts"), false);
    await running.connect().ask({ target: "/" });
    await running.until(() => told(running).has("dynamic.ts"), "a dynamic import");
  });

  it("are told of an application that does not load, and of what is not there", async () => {
    sources.write("static.ts", 'import "./missing.ts";');
    const running = new WorkerProcess({ app: sources.path("app.ts"), reload: "graceful" });
    worker = running;
    await running.until(() => told(running).has("missing.ts"), "the missing file");
    assert.equal(told(running).get("missing.ts"), "");
  });

  it("are not looked at where reload is off", async () => {
    const running = await start("off");
    assert.deepEqual([...told(running)], []);
  });

  for (const [name, change] of [
    ["an import", (): void => sources.replace("static.ts", "//")],
    ["a require", (): void => void sources.write("deep.json", "[]")],
    ["a variable's file that was not there", (): void => void sources.write(".env", "A=1")],
    ["a dynamic import", (): void => sources.remove("dynamic.ts")],
  ] as const) {
    it(`strict: nothing is begun once ${name} has changed`, async () => {
      const running = await start("strict");
      const channel = running.connect();
      await channel.ask({ target: "/" });
      const { claimIndex } = await channel.hello();
      const before = running.claim(claimIndex);
      change();
      channel.request({ target: "/" });
      const { payload } = await channel.frameOf(FrameType.ABORT);
      assert.equal(decodeAbort(payload, 0, payload.length).error, WireError.DRAINING);
      assert.equal(running.claim(claimIndex), before);
      assert.match((await running.message("outdated")).file ?? "", /static|deep|env|dynamic/);
      assert.deepEqual(await running.exited(), { code: 0, signal: null });
    });
  }
});
