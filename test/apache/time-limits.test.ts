// SPDX-License-Identifier: Apache-2.0
// Each row of the table of docs/reliability.md "Time limits": what the client sees and what is logged.
import assert from "node:assert/strict";
import { once } from "node:events";
import { renameSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { ask, head, open, rest } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";

const LIMIT_MS = 300;
const LIMIT = `${LIMIT_MS}ms`;
const MIB = 1024 * 1024;
const hanging = join(root, "test", "applications", "hanging.ts");
const one = "TenonProcesses 1 1";

/** What a graceful restart changes, so that the worker is replaced. */
const leaving = (variable: string): string =>
  pool(
    "leaving",
    `TenonProcesses 1 1
TenonGracefulTimeout ${LIMIT}
TenonShutdownTimeout ${LIMIT}
TenonEnv VARIABLE ${variable}`,
  );

const text = (variable: string): string => `
${pool("queued", `${one}\nTenonConcurrency 1\nTenonQueueTimeout ${LIMIT}`)}
${pool("unreachable", `TenonProcesses 0 1\nTenonQueueTimeout ${LIMIT}`)}
${pool("starting", `TenonProcesses 0 1\nTenonStartupTimeout ${LIMIT}\nTenonQueueTimeout 2\nTenonEnv HANG start`, hanging)}
${pool("waiting", "TenonProcesses 0 1\nTenonStartupTimeout 1h\nTenonEnv HANG start", hanging)}
${pool("answering", `${one}\nTenonRequestTimeout ${LIMIT}`)}
<Location "/answering/patient">
  TenonRequestTimeout 1h
</Location>
${pool("patient", one)}
<Location "/patient/impatient">
  TenonRequestTimeout ${LIMIT}
  TenonBodyTimeout ${LIMIT}
</Location>
${pool("stalling", `${one}\nTenonStallTimeout 1`, hanging)}
${pool("streaming", `${one}\nTenonBodyTimeout ${LIMIT}`)}
${leaving(variable)}
${pool("idle", "TenonProcesses 0 1\nTenonIdleTimeout 1")}
${pool("asked", one, hanging)}
<Location "/hooked">
  TenonHook access_checker asked#accessChecker timeout=${LIMIT}
</Location>
<Location "/unasked">
  TenonHook access_checker waiting#accessChecker timeout=${LIMIT}
</Location>`;

/** The head of an answer that will be cut off. */
function headOfCut(url: string): Promise<IncomingMessage> {
  return head(
    open(url)
      .on("error", () => undefined)
      .end(),
  );
}

describe("time limits", () => {
  let httpd: TestHttpd;

  before(async () => {
    httpd = await startHttpd({ text: text("before") });
    for (const name of ["hooked", "unasked"])
      writeFileSync(join(httpd.places.directory, "htdocs", name), "a file");
    const names = ["queued", "answering", "patient", "stalling", "streaming", "leaving", "asked"];
    await Promise.all(names.map((name) => httpd.waitForReady(name, 1)));
  });
  after(() => httpd.stop());

  /** One request that is answered with a status, not before the limit, and the log line that tells why. */
  async function assertEnds(path: string, status: number, line: RegExp): Promise<void> {
    const began = performance.now();
    const answer = await ask(httpd.url + path);
    const took = performance.now() - began;
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.headers["retry-after"], status === 503 ? "1" : undefined);
    assert.ok(took > LIMIT_MS * 0.9, `after ${took} ms`);
    await httpd.waitForLog(line);
  }

  it("queue: 503 with Retry-After, TN0003", async () => {
    httpd.expectLog("TN0003");
    const busy = open(`${httpd.url}/queued/hold?head`);
    busy.on("error", () => undefined);
    await head(busy.end());
    await assertEnds(
      "/queued/pid",
      503,
      /TN0003: \[queued .*waited 300 ms .*TenonQueueTimeout.*: 503/,
    );
    busy.destroy();
  });

  it("connect: 503 with Retry-After, TN0017", async () => {
    httpd.expectLog("TN0017");
    const queue = join(httpd.runtime, "pools", "unreachable", "queue");
    renameSync(queue, `${queue}.away`);
    try {
      await assertEnds(
        "/unreachable/",
        503,
        /TN0017: \[unreachable .*300 ms \(TenonQueueTimeout\).*503/,
      );
    } finally {
      renameSync(`${queue}.away`, queue);
    }
  });

  it("startup: the worker is killed, TN0215; 503 when the queue's time is over", async () => {
    httpd.expectLog("TN0215", "TN0003", "TN0255", "TN0257");
    await assertEnds("/starting/", 503, /TN0215: \[starting .*TenonStartupTimeout/);
  });

  it("request: 504, TN0004", async () => {
    httpd.expectLog("TN0004");
    await assertEnds(
      "/answering/never",
      504,
      /TN0004: \[answering .*300 ms \(TenonRequestTimeout\): 504/,
    );
  });

  it("request, in a location that has less patience than the pool: 504, TN0004", () =>
    assertEnds(
      "/patient/impatient/never",
      504,
      /TN0004: \[patient .*300 ms \(TenonRequestTimeout\): 504/,
    ));

  it("request, in a location that has more patience than the pool: no limit of the pool's", async () => {
    const answer = ask(`${httpd.url}/answering/patient/hold?name=patient`);
    await setTimeout(2 * LIMIT_MS);
    await ask(`${httpd.url}/answering/happen?name=patient`);
    assert.equal((await answer).status, 200);
  });

  it("stall: 504 for the guilty request, TN0240", async () => {
    httpd.expectLog("TN0240", "TN0242", "TN0006");
    await assertEnds("/stalling/loop", 504, /TN0240: \[stalling .*TenonStallTimeout/);
  });

  it("idle body of an answer: an aborted connection, TN0061", async () => {
    httpd.expectLog("TN0061");
    const response = await headOfCut(`${httpd.url}/streaming/hold?head&name=cut`);
    const began = performance.now();
    await assert.rejects(rest(response), { code: "ECONNRESET" });
    assert.ok(performance.now() - began > LIMIT_MS * 0.8);
    await httpd.waitForLog(
      /TN0061: \[streaming .*300 ms \(TenonBodyTimeout\): the connection is aborted/,
    );
    assert.equal((await ask(`${httpd.url}/streaming/happened?name=cut-gone`)).status, 200);
  });

  it("idle body of an answer, in a location: an aborted connection, TN0061", async () => {
    const response = await headOfCut(`${httpd.url}/patient/impatient/hold?head&name=there`);
    await assert.rejects(rest(response), { code: "ECONNRESET" });
    await httpd.waitForLog(/TN0061: \[patient /);
  });

  it("idle body of an answer: no limit of an event stream", async () => {
    const path = "/streaming/hold?head&type=text/event-stream;charset=utf-8&name=events";
    const answer = rest(await head(open(httpd.url + path).end()));
    await setTimeout(3 * LIMIT_MS);
    await ask(`${httpd.url}/streaming/happen?name=events`);
    assert.match((await answer).text, /^begun held/);
  });

  it("idle body: bytes in either direction are progress", async () => {
    const request = open(`${httpd.url}/streaming/echo`, { method: "POST" });
    request.write("x");
    const response = await head(request);
    for (let round = 0; round < 10; round++) {
      await setTimeout(LIMIT_MS / 3);
      request.write("x");
    }
    request.end();
    assert.equal((await rest(response)).text, "x".repeat(11));
  });

  it("idle body of an answer: the time of a client that reads slowly is not the application's", async () => {
    const count = 16 * MIB;
    const response = await head(open(`${httpd.url}/streaming/bytes?count=${count}`).end());
    await once(response, "readable");
    await setTimeout(3 * LIMIT_MS);
    assert.equal((await rest(response)).body.length, count);
  });

  it("idle body of a request: 408, TN0013", async () => {
    const headers = { "Content-Length": 100 };
    const request = open(`${httpd.url}/streaming/sink`, { method: "POST", headers });
    request.write("half of it");
    assert.equal((await rest(await head(request))).status, 408);
    await httpd.waitForLog(/TN0013: \[streaming .*within 300 ms \(TenonBodyTimeout\)/);
    request.destroy();
  });

  it("graceful: 502, TN0304", async () => {
    httpd.expectLog("TN0006");
    const answer = ask(`${httpd.url}/leaving/hold?name=open`);
    await ask(`${httpd.url}/leaving/happened?name=open-begun`);
    httpd.configure(text("after"));
    await httpd.graceful();
    assert.equal((await answer).status, 502);
    await httpd.waitForLog(/TN0304: .*leaving/);
  });

  it("shutdown: SIGKILL, TN0218", async () => {
    httpd.expectLog("TN0218", "TN0216");
    await httpd.waitForReady("leaving", 2);
    const [pid] = httpd.workersOf("leaving");
    assert.ok(pid);
    process.kill(pid, "SIGSTOP");
    httpd.configure(text("later"));
    await httpd.graceful();
    await httpd.waitForLog(new RegExp(`TN0218: \\[leaving \\d+ ${pid}\\]`));
  });

  it("idle worker: asked to exit, TN0222", async () => {
    assert.equal((await ask(`${httpd.url}/idle/pid`)).status, 200);
    await httpd.waitForLog(/TN0222: \[idle .*idle/);
  });

  it("hook: 503 with Retry-After unless on-error says otherwise, TN0004", () =>
    assertEnds(
      "/hooked",
      503,
      /TN0004: \[asked .*access_checker .*300 ms \(timeout of the hook\): 503/,
    ));

  it("hook, in the queue: 503 with Retry-After, TN0003", () =>
    assertEnds(
      "/unasked",
      503,
      /TN0003: \[waiting .*access_checker .*300 ms .*timeout of the hook.*: 503/,
    ));
});

describe("httpd's Timeout, when it is shorter than TenonBodyTimeout", () => {
  let httpd: TestHttpd;

  before(async () => {
    httpd = await startHttpd({ text: `Timeout 1\n${pool("streaming", one)}` });
  });
  after(() => httpd.stop());

  it("ends the wait for more of a request's body: 408, TN0013", async () => {
    const headers = { "Content-Length": 100 };
    const request = open(`${httpd.url}/streaming/sink`, { method: "POST", headers });
    request.write("half of it");
    assert.equal((await rest(await head(request))).status, 408);
    await httpd.waitForLog(/TN0013: \[streaming .*within 1000 ms \(Timeout\)/);
    request.destroy();
  });

  it("does not end an answer that pauses", async () => {
    const answer = rest(await head(open(`${httpd.url}/streaming/hold?head&name=pause`).end()));
    await setTimeout(1500);
    await ask(`${httpd.url}/streaming/happen?name=pause`);
    assert.match((await answer).text, /^begun held/);
  });
});
