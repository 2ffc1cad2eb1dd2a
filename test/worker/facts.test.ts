// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { IncomingMessage } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type RequestFacts, requestFacts } from "../../ts/index.ts";
import { Fact, factNames } from "../../ts/wire/protocol.ts";
import { startWorker, type WorkerProcess } from "../helpers/worker-process.ts";

const source = fileURLToPath(new URL("../../ts/", import.meta.url));

/** One of each, as httpd sends them. */
const sent = {
  [Fact.REQUEST_ID]: "Zx81",
  [Fact.PROTOCOL]: "HTTP/2.0",
  [Fact.SCHEME]: "https",
  [Fact.SERVER_NAME]: "shop.test",
  [Fact.CLIENT_ADDRESS]: "192.0.2.7",
  [Fact.CLIENT_PORT]: "4711",
  [Fact.LOCAL_ADDRESS]: "192.0.2.1",
  [Fact.LOCAL_PORT]: "443",
  [Fact.USER]: "alice",
  [Fact.AUTH_TYPE]: "Basic",
  [Fact.MOUNT]: "/blog",
  [Fact.TLS_PROTOCOL]: "TLSv1.3",
  [Fact.TLS_CIPHER]: "TLS_AES_256_GCM_SHA384",
  [Fact.TLS_SERVER_NAME]: "shop.test",
  [Fact.TLS_CLIENT_VERIFY]: "SUCCESS",
  [Fact.TLS_CLIENT_CERTIFICATE]: "-----BEGIN CERTIFICATE-----",
  [Fact.CONNECTION_ID]: "12",
};

/** What an application is told of them. */
const told: RequestFacts = {
  requestId: "Zx81",
  method: "GET",
  target: "/a?b",
  protocol: "HTTP/2.0",
  scheme: "https",
  serverName: "shop.test",
  clientAddress: "192.0.2.7",
  clientPort: 4711,
  localAddress: "192.0.2.1",
  localPort: 443,
  user: "alice",
  authType: "Basic",
  mount: "/blog",
  tlsProtocol: "TLSv1.3",
  tlsCipher: "TLS_AES_256_GCM_SHA384",
  tlsServerName: "shop.test",
  tlsClientVerify: "SUCCESS",
  tlsClientCertificate: "-----BEGIN CERTIFICATE-----",
  connectionId: "12",
};

/** An application of each shape, none of which has the package installed. */
const applications: Record<string, string> = {
  "listener.ts": `import { requestFacts, type RequestFacts } from "tenon";
    import type { IncomingMessage, ServerResponse } from "node:http";
    const facts = (req: IncomingMessage): RequestFacts | undefined => requestFacts(req);
    export default (req: IncomingMessage, res: ServerResponse) => res.end(JSON.stringify(facts(req)));`,
  "fetch.mjs": `import { requestFacts } from "tenon";
    export default { fetch: (request) => Response.json(requestFacts(request)) };`,
  "server.mjs": `import { createServer } from "node:http";
    import { requestFacts } from "tenon";
    createServer((req, res) => res.end(JSON.stringify(requestFacts(req)))).listen(0);`,
  "common.cjs": `const { requestFacts } = require("tenon");
    module.exports = (req, res) => res.end(JSON.stringify(requestFacts(req)));`,
  "dynamic.cjs": `module.exports = async (req, res) => {
      const { requestFacts } = await import("tenon");
      res.end(JSON.stringify(requestFacts(req)));
    };`,
  "storage.mjs": `import { setTimeout } from "node:timers/promises";
    import { requestFacts } from "tenon";
    export default async (req, res) => {
      await setTimeout(1);
      setImmediate(() => res.end(JSON.stringify(requestFacts())));
    };`,
  "wrapped.mjs": `import { requestFacts } from "tenon";
    export default { fetch: (request) => Response.json(requestFacts(new Request(request))) };`,
};

describe("requestFacts", () => {
  let folder: string;
  let worker: WorkerProcess | undefined;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "tenon-facts-"));
  });
  afterEach(async () => {
    await worker?.remove();
    worker = undefined;
  });
  after(() => rmSync(folder, { recursive: true }));

  function write(path: string, text: string): string {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  async function run(path: string, text: string): Promise<WorkerProcess> {
    worker = await startWorker({ app: write(path, text) });
    return worker;
  }

  it("has a field for each fact of the protocol", () => {
    const names = factNames
      // These are between host and worker.
      .filter((name) => name !== undefined && name !== "CONNECTION_LAST" && name !== "EXPORT")
      .map((name = "") => name.toLowerCase().replace(/_(.)/g, (_, letter) => letter.toUpperCase()));
    assert.deepEqual(Object.keys(told).sort(), names.sort());
  });

  for (const [file, text] of Object.entries(applications)) {
    it(`tells ${file}, which has not installed the package, all that the host knows`, async () => {
      const running = await run(file, text);
      const answer = await running.connect().ask({ target: "/a?b", facts: sent });
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(JSON.parse(answer.text), told);
    });
  }

  it("keeps requests apart that are open at once", async () => {
    const running = await run(
      "apart.mjs",
      `import { requestFacts } from "tenon";
      const open = [];
      export default (req, res) => {
        open.push({ req, res });
        if (open.length < 3) return;
        // The last one answers all: without an argument it is told of itself.
        for (const { req, res } of open) res.end(requestFacts(req).user + " asked by " + requestFacts().user);
      };`,
    );
    const ask = (user: string): Promise<{ text: string }> =>
      running.connect().ask({ target: "/", facts: { [Fact.USER]: user } });
    const answers = await Promise.all(["a", "b", "c"].map(ask));
    const texts = answers.map(({ text }) => text);
    assert.deepEqual(
      texts.map((text) => text[0]),
      ["a", "b", "c"],
    );
    assert.equal(new Set(texts.map((text) => text.at(-1))).size, 1);
  });

  it("tells nothing of what the host did not send, and nothing outside of a request", async () => {
    const running = await run(
      "outside.mjs",
      `import { requestFacts } from "tenon";
      const atLoad = requestFacts() === undefined;
      export default (req, res) => res.end(JSON.stringify({ atLoad, user: requestFacts(req).user === undefined }));`,
    );
    const answer = await running.connect().ask({ target: "/" });
    assert.deepEqual(JSON.parse(answer.text), { atLoad: true, user: true });
  });

  it("tells nothing under a plain node", () => {
    assert.equal(requestFacts(), undefined);
    assert.equal(requestFacts(new Request("http://a.test/")), undefined);
    assert.equal(requestFacts(new IncomingMessage(new Socket())), undefined);
  });

  it("decodes a mount with letters beyond ASCII", async () => {
    const running = await run("umlaut.ts", applications["listener.ts"] ?? "");
    const mount = Buffer.from("/bücher").toString("latin1");
    const answer = await running.connect().ask({ target: "/", facts: { [Fact.MOUNT]: mount } });
    const { mount: seen } = JSON.parse(answer.text);
    assert.equal(seen, "/bücher");
  });

  it("works in a copy of the package that the application has brought", async () => {
    const plain = (path: string): string =>
      stripTypeScriptTypes(readFileSync(join(source, path), "utf8")).replaceAll('.ts"', '.js"');
    write(
      "own/node_modules/tenon/package.json",
      '{"name":"tenon","type":"module","main":"facts.js"}',
    );
    write("own/node_modules/tenon/facts.js", plain("facts.ts"));
    write("own/node_modules/tenon/wire/protocol.js", plain("wire/protocol.ts"));
    const running = await run(
      "own/app.mjs",
      `import { requestFacts } from "tenon";
      export default (req, res) => res.end([requestFacts(req).user, requestFacts().user, import.meta.resolve("tenon")].join());`,
    );
    const answer = await running.connect().ask({ target: "/", facts: sent });
    assert.match(answer.text, /^alice,alice,file:.*\/own\/node_modules\/tenon\/facts\.js$/);
  });

  it("leaves another package of that name to an application that has it", async () => {
    write(
      "other/node_modules/tenon/package.json",
      '{"name":"tenon","type":"module","main":"other.js"}',
    );
    write("other/node_modules/tenon/other.js", 'export const joint = "mortise";');
    const running = await run(
      "other/app.mjs",
      'import { joint } from "tenon";\nexport default (req, res) => res.end(joint);',
    );
    assert.equal((await running.connect().ask({ target: "/" })).text, "mortise");
  });
});
