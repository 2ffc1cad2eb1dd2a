// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ControlMessage, WorkerProcess } from "../helpers/worker-process.ts";

describe("loading an application", () => {
  let folder: string;
  let worker: WorkerProcess | undefined;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "tenon-load-"));
  });

  afterEach(async () => {
    await worker?.remove();
    worker = undefined;
  });

  after(() => rmSync(folder, { recursive: true }));

  /** Starts an application that does not load, and returns what the worker says of it. */
  async function fails(file: string, source?: string): Promise<ControlMessage> {
    const app = join(folder, file);
    if (source !== undefined) writeFileSync(app, source);
    worker = new WorkerProcess({ app });
    const message = await worker.message("failed");
    assert.deepEqual(await worker.exited(), { code: 1, signal: null });
    return message;
  }

  it("says what and where, for syntax that cannot be erased", async () => {
    const { code, message, stack } = await fails(
      "enum.ts",
      "const a = 1;\n  enum Colour { Red }\nexport default a;\n",
    );
    assert.equal(code, "TENON_ERR_APPLICATION_LOAD");
    assert.equal(
      message,
      `${join(folder, "enum.ts")}:2:3: TypeScript enum is not supported in strip-only mode`,
    );
    assert.match(stack ?? "", /enum Colour/);
  });

  it("names the file that has the error, not the one that imports it", async () => {
    writeFileSync(join(folder, "inner.ts"), "export const a = 1;\nconst b = = 2;\n");
    const { message } = await fails("outer.ts", 'import "./inner.ts";\n');
    assert.equal(message?.startsWith(`${join(folder, "inner.ts")}:2:11: `), true, message);
  });

  for (const file of ["syntax.ts", "syntax.mjs", "syntax.cjs"]) {
    it(`says where the syntax error of ${file} is`, async () => {
      const { message } = await fails(file, "const a = 1;\nconst b = = 2;\n");
      assert.equal(message?.startsWith(`${join(folder, file)}:2:11: `), true, message);
    });
  }

  it("says where an application threw, by the line and column of its source", async () => {
    const source =
      "interface A {\n  a: number;\n}\nfunction boom(a: A): never {\n  throw new Error('boom ' + a.a);\n}\nboom({ a: 1 });\nexport {};\n";
    const { message } = await fails("throws.ts", source);
    assert.equal(message, `${join(folder, "throws.ts")}:5:9: boom 1`);
  });

  it("names a file that is missing", async () => {
    const { code, message } = await fails("nowhere.ts");
    assert.equal(code, "TENON_ERR_APPLICATION_LOAD");
    assert.match(message ?? "", /nowhere\.ts: .*Cannot find module/);
  });

  it("says so when an application has no shape and nothing left to do", async () => {
    const { code } = await fails("empty.ts", "export const a = 1;\n");
    assert.equal(code, "TENON_ERR_APPLICATION_SHAPE");
  });

  it("says so when top-level await never settles", async () => {
    const { code } = await fails("await.ts", "await new Promise(() => {});\nexport {};\n");
    assert.equal(code, "TENON_ERR_APPLICATION_IDLE");
  });

  it("fails when something is thrown while it loads", async () => {
    const { message } = await fails(
      "later.ts",
      'setImmediate(() => {\n  throw new Error("later");\n});\nawait new Promise(() => {});\nexport {};\n',
    );
    assert.equal(message, `${join(folder, "later.ts")}:2:9: later`);
  });
});
