// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startWorker, type WorkerProcess } from "../helpers/worker-process.ts";

const examples = fileURLToPath(new URL("../../examples/", import.meta.url));

describe("choice of the adapter", () => {
  let worker: WorkerProcess | undefined;
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "tenon-choose-"));
  });

  afterEach(async () => {
    await worker?.remove();
    worker = undefined;
  });

  after(() => rmSync(folder, { recursive: true }));

  async function startSource(file: string, source: string): Promise<WorkerProcess> {
    writeFileSync(join(folder, file), source);
    worker = await startWorker({ app: join(folder, file) });
    return worker;
  }

  const shapes: readonly (readonly [string, string, string, RegExp])[] = [
    ["hello/app.ts", "fetch", "/hello/x?name=Ada", /^Hello, Ada! You asked for \/hello\/x\.\n$/],
    ["listener/app.ts", "listener", "/listener/status?code=202", /^Status 202\n$/],
    ["express/app.ts", "listener", "/express/greet/Ada", /^\{"greeting":"Hello, Ada!"\}$/],
    ["fastify/app.ts", "server", "/fastify/greet/Ada", /^\{"greeting":"Hello, Ada!"\}$/],
    [
      "commonjs/server.cjs",
      "server",
      "/commonjs/",
      /^Hello from CommonJS. You asked for \/commonjs\/\.\n$/,
    ],
  ];

  for (const [file, shape, target, text] of shapes) {
    it(`serves examples/${file} as a ${shape}`, async () => {
      worker = await startWorker({ app: join(examples, file) });
      assert.equal((await worker.message("ready")).shape, shape);
      const channel = worker.connect();
      assert.match((await channel.ask({ target })).text, text);
      assert.match((await channel.ask({ target: "/" })).text, /./);
    });
  }

  it("parses bodies in Express and Fastify", async () => {
    worker = await startWorker({ app: join(examples, "express/app.ts") });
    const json = ["Host", "example.org", "Content-Type", "application/json", "Content-Length", "7"];
    const body = Buffer.from("[1,2,3]");
    const sum = await worker
      .connect()
      .ask({ method: "POST", target: "/express/sum", headers: json, body });
    assert.equal(sum.text, '{"sum":6}');
    await worker.remove();
    worker = await startWorker({ app: join(examples, "fastify/app.ts") });
    const echo = await worker
      .connect()
      .ask({ method: "POST", target: "/fastify/echo", headers: json, body });
    assert.equal(echo.text, "[1,2,3]");
  });

  it("streams, counts and waits in the listener example", async () => {
    worker = await startWorker({ app: join(examples, "listener/app.ts") });
    const channel = worker.connect();
    const body = Buffer.alloc(300_000, "e");
    const echo = await channel.ask({ method: "POST", target: "/listener/echo", body });
    assert.equal(echo.body.equals(body), true);
    assert.equal((await channel.ask({ target: "/listener/bytes?n=70001" })).body.length, 70001);
    assert.equal((await channel.ask({ target: "/listener/slow?ms=1" })).text, "That took 1 ms.\n");
  });

  it("takes a CommonJS function, and one that a compiler made of an ES module", async () => {
    const handler = "(request, response) => response.end('cjs')";
    const plain = await startSource("plain.cjs", `module.exports = ${handler};\n`);
    assert.equal((await plain.connect().ask({})).text, "cjs");
    await plain.remove();
    const compiled = await startSource(
      "compiled.cjs",
      `Object.defineProperty(exports, "__esModule", { value: true });\nexports.default = ${handler};\n`,
    );
    assert.equal((await compiled.connect().ask({})).text, "cjs");
  });

  it("takes a server that is exported and never listens", async () => {
    const running = await startSource(
      "exported.ts",
      'import { createServer } from "node:http";\nexport default createServer((_request, response) => {\n  response.end("exported");\n});\n',
    );
    assert.equal((await running.message("ready")).shape, "server");
    assert.equal((await running.connect().ask({})).text, "exported");
  });

  it("waits for a server that listens after the file was loaded, and uses its classes", async () => {
    const running = await startSource(
      "later.mjs",
      `import { createServer, IncomingMessage, ServerResponse } from "node:http";
class Question extends IncomingMessage {}
class Reply extends ServerResponse {
  say(text) {
    this.end(text);
  }
}
setTimeout(() => {
  const server = createServer({ IncomingMessage: Question, ServerResponse: Reply });
  server.on("request", (question, reply) => reply.say(String(question instanceof Question)));
  server.listen(3000);
}, 20);
`,
    );
    assert.equal((await running.connect().ask({})).text, "true");
  });

  it("drains when the application closes its server", async () => {
    const running = await startSource(
      "closes.mjs",
      'import { createServer } from "node:http";\nconst server = createServer((request, response) => {\n  server.close();\n  response.end("bye");\n});\nserver.listen(3000);\n',
    );
    const channel = running.connect();
    assert.equal((await channel.ask({})).text, "bye");
    await channel.close();
    assert.deepEqual(await running.exited(), { code: 0, signal: null });
  });
});
