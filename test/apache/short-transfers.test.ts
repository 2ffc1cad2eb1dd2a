// SPDX-License-Identifier: Apache-2.0
// Everything that goes between httpd and a worker, cut into pieces at every place, by sockets that take and give little or nothing at a time.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { WebSocket } from "ws";
import type { HttpdPlaces } from "../../ts/cli/private-httpd.ts";
import { type Answer, type Ask, ask } from "../helpers/http-client.ts";
import { pool, preloading, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { WrittenRecords } from "../helpers/records.ts";
import { buildShared } from "../helpers/sanitizers.ts";

const SIZE = 3_000_017;
/** Of each kind; several at a time. */
const REQUESTS = 12;
const AT_A_TIME = 4;
const RECORDS = 400;

const letters = Buffer.alloc(SIZE, "some bytes, ");
const raised = Buffer.from(letters.toString("latin1").toUpperCase(), "latin1");

function applicationOf(name: string): string {
  return join(root, "test", "applications", `${name}.ts`);
}

/** Compares long bodies without printing them. */
function assertSame({ status, body }: Answer, expected: Buffer): void {
  assert.equal(status, 200, body.toString("latin1", 0, 500));
  assert.ok(body.equals(expected), `${body.length} bytes, not the ${expected.length} expected`);
}

describe("what goes between httpd and a worker by sockets that take and give little at a time", () => {
  const folder = mkdtempSync(join(tmpdir(), "tenon-short-"));
  const library = join(folder, "short-transfers.so");
  let httpd: TestHttpd;
  let records: WrittenRecords;

  const text = ({ htdocs, directory }: HttpdPlaces): string => {
    records = new WrittenRecords(directory, "records");
    writeFileSync(join(htdocs, "letters.bin"), letters);
    return `${pool("probe", "TenonProcesses 1 1")}
${pool("files", "TenonProcesses 1 1", applicationOf("files"))}
${pool("ws", "TenonProcesses 1 1", applicationOf("websocket"))}
${pool("asking", "TenonProcesses 1 1", applicationOf("asking"))}
${pool("filters", "TenonProcesses 1 1", applicationOf("filters"))}
${records.pool("records", "TenonProcesses 1 1")}
<Location "/ask">
  SetHandler none
  TenonHook fixups asking timeout=20
</Location>
<Location "/probe/upload">
  TenonHook input_filter filters#upperBody timeout=20
</Location>
Alias /filtered "${htdocs}"
<Location "/filtered">
  TenonHook output_filter filters#upper timeout=20
</Location>
<Location "/recorded">
  TenonHook log_transaction records
</Location>
Alias /recorded "${htdocs}"`;
  };

  before(async () => {
    chmodSync(folder, 0o755);
    buildShared("short-transfers.c", library);
    httpd = await startHttpd({ text, load: ["alias"], environment: preloading(library) });
  });
  after(async () => {
    await httpd.stop();
    rmSync(folder, { recursive: true });
  });

  /** Asks for the same as often as it takes to meet most of the cuts. */
  async function each(
    path: string,
    options: () => Ask,
    check: (answer: Answer) => void,
  ): Promise<void> {
    let left = REQUESTS;
    const one = async (): Promise<void> => {
      while (left-- > 0) check(await ask(httpd.url + path, options()));
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, one));
  }

  const post = (): Ask => ({ method: "POST", body: letters, headers: { "Content-Length": SIZE } });
  const stream = (): Ask => ({ method: "POST", body: Readable.from([letters]) });

  it("a body of declared length, both ways", () =>
    each("/probe/echo", post, (answer) => assertSame(answer, letters)));

  it("a body in chunks, both ways", () =>
    each("/probe/echo", stream, (answer) => assertSame(answer, letters)));

  it("a body through an input filter", () =>
    each("/probe/upload/echo", post, (answer) => assertSame(answer, raised)));

  it("a body through an output filter", () =>
    each(
      "/filtered/letters.bin",
      () => ({}),
      (answer) => assertSame(answer, raised),
    ));

  it("the body of a subrequest", () => {
    const digest = createHash("sha256").update(letters).digest("hex");
    return each(
      "/ask?uri=/letters.bin",
      () => ({}),
      (answer) => assert.equal(JSON.parse(answer.text).digest, digest, answer.text),
    );
  });

  it("many questions and their answers", () => {
    const expressions = Array.from({ length: 20 }, (_, i) => `%{HTTP:X-Long} ${i}`);
    const query = new URLSearchParams(
      expressions.map((each): [string, string] => ["variable", each]),
    );
    const long = "x".repeat(3000);
    return each(
      `/ask?${query}`,
      () => ({ headers: { "X-Long": long } }),
      (answer) =>
        assert.deepEqual(
          JSON.parse(answer.text),
          expressions.map((_, i) => `${long} ${i}`),
        ),
    );
  });

  it("a file that the worker hands over", () => {
    const path = new URLSearchParams({ path: join(httpd.places.htdocs, "letters.bin") });
    return each(
      `/files/pipe?${path}`,
      () => ({}),
      (answer) => assertSame(answer, letters),
    );
  });

  it("messages of a WebSocket", async () => {
    const socket = new WebSocket(`${httpd.url.replace(/^http/, "ws")}/ws/`);
    await once(socket, "message");
    for (const size of [1, 70_000, 1_000_003, 5, 300_000]) {
      const sent = randomBytes(size);
      socket.send(sent);
      const [got] = (await once(socket, "message")) as [Buffer];
      assert.ok(got.equals(sent), `${got.length} bytes, not the ${size} that were sent`);
    }
    socket.close();
    await once(socket, "close");
  });

  it("the records of the log phase", async () => {
    for (let number = 0; number < RECORDS; number++) {
      await ask(`${httpd.url}/recorded/nothing?n=${number}`);
    }
    await records.waitFor(RECORDS, () => httpd.log().tail());
  });
});
