// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import { type Answer, ask, exchangeBytes, head, open, rest } from "../helpers/http-client.ts";
import { ownLogHost, pool, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { alive, waitUntil } from "../helpers/processes.ts";

/** Pools whose workers a test ends: one for each, since crashes of a pool slow its next start down. */
const victims = ["killed", "aborts", "crashes", "posts", "gets", "throws"];

const pools = [
  ...victims.map((name) => pool(name, "TenonProcesses 0 2")),
  pool("breaks", "TenonProcesses 0 1"),
  pool("dies", "TenonProcesses 0 1"),
  pool("watch", "TenonProcesses 1 1"),
  pool("lone", "TenonProcesses 1 1\nTenonConcurrency 1\nTenonQueueTimeout 300ms"),
  pool("short", "TenonProcesses 1 1\nTenonConcurrency 1\nTenonQueueLength 1"),
  pool("slow", "TenonProcesses 1 1\nTenonRequestTimeout 300ms"),
];

describe("faults behind httpd", () => {
  let httpd: TestHttpd;

  before(async () => {
    httpd = await startHttpd({
      tls: true,
      load: ["headers"],
      text: ({ port }) => [ownLogHost(port), ...pools].join("\n"),
    });
    // A worker crashed, with its cause.
    httpd.expectLog("TN0216");
  });
  after(() => httpd.stop());

  function own(path: string, method = "GET"): Promise<Answer> {
    return ask(httpd.url + path, { method, headers: { Host: "own.test" } });
  }

  /** Asserts that the virtual host's own log names the failure of an answer, with its request id. */
  async function assertLogged(answer: Answer, tag: string, pool: string): Promise<void> {
    const id = String(answer.headers["x-request-id"]);
    assert.match(id, /^[\w@-]{20,}$/);
    const pattern = new RegExp(`${tag}: \\[${pool} -?\\d+ #${id}\\]`);
    await httpd.log("own.log").waitFor(pattern);
    assert.ok(
      !httpd
        .log()
        .lines()
        .some((line) => line.includes(id)),
      "also in the main log",
    );
  }

  async function waitForWorker(name: string): Promise<void> {
    const explain = (): string => httpd.log().tail();
    await waitUntil(`a worker of ${name}`, async () => (await own(`/${name}/pid`)).status === 200, {
      explain,
    });
  }

  it("loses no GET when workers are killed under load", async () => {
    const { children } = httpd.processes();
    let running = true;
    const counts = { good: 0 };
    const client = async (): Promise<void> => {
      while (running) {
        const answer = await ask(`${httpd.url}/killed/pid`);
        assert.equal(answer.status, 200, answer.text);
        counts.good++;
      }
    };
    const clients = Promise.all(Array.from({ length: 16 }, client));
    for (let turn = 0; turn < 3; turn++) {
      const answer = await ask(`${httpd.url}/killed/pid`);
      const victim = Number(answer.text);
      process.kill(victim, "SIGKILL");
      const successor = (): boolean => !alive(victim) && httpd.workersOf("killed").length > 0;
      await Promise.race([clients, waitUntil("a new worker", successor)]);
      const goal = counts.good + 100;
      await Promise.race([clients, waitUntil("100 more answers", () => counts.good >= goal)]);
    }
    running = false;
    await clients;
    assert.deepEqual(httpd.processes().children, children);
  });

  it("leaves httpd untouched when a worker aborts, and names the signal", async () => {
    const { children } = httpd.processes();
    const since = httpd.log().mark();
    httpd.expectLog("TN0009");
    const answer = await own("/aborts/abort", "POST");
    assert.equal(answer.status, 502);
    await assertLogged(answer, "TN0009", "aborts");
    await httpd.waitForLog(/TN02\d\d: \[aborts \d+.*SIGABRT/, { since });
    assert.deepEqual(httpd.processes().children, children);
    await waitForWorker("aborts");
  });

  it("leaves httpd untouched when a worker crashes by SIGSEGV, and names the signal", async () => {
    const { children } = httpd.processes();
    const since = httpd.log().mark();
    httpd.expectLog("TN0009");
    const answer = await own("/crashes/segfault", "POST");
    assert.equal(answer.status, 502);
    await httpd.waitForLog(/TN02\d\d: \[crashes \d+.*SIGSEGV/, { since });
    assert.deepEqual(httpd.processes().children, children);
    await waitForWorker("crashes");
  });

  it("answers 502 to a POST whose worker dies, and runs it on no other", async () => {
    httpd.expectLog("TN0009");
    const since = httpd.log().mark();
    const answer = await own("/posts/kill", "POST");
    assert.equal(answer.status, 502);
    await assertLogged(answer, "TN0009", "posts");
    await httpd.waitForLog(/TN02\d\d: \[posts \d+.*SIGKILL/, { since });
    const deaths = httpd
      .log()
      .lines(since)
      .filter((line) => /\[posts \d+.*SIGKILL/.test(line));
    assert.equal(deaths.length, 1);
    await waitForWorker("posts");
  });

  it("answers 502 to a GET that ends two workers, and tries no third", async () => {
    httpd.expectLog("TN0009");
    const since = httpd.log().mark();
    const answer = await own("/gets/kill");
    assert.equal(answer.status, 502);
    await assertLogged(answer, "TN0009", "gets");
    await waitForWorker("gets");
    const deaths = httpd
      .log()
      .lines(since)
      .filter((line) => /\[gets \d+.*SIGKILL/.test(line));
    assert.equal(deaths.length, 2);
  });

  it("answers 503 with Retry-After when no worker has room in time", async () => {
    httpd.expectLog("TN0003");
    await waitForWorker("lone");
    const held = await head(open(`${httpd.url}/lone/hold?head`).end());
    const answer = await own("/lone/pid");
    assert.equal(answer.status, 503);
    assert.match(answer.headers["retry-after"] ?? "", /^\d+$/);
    await assertLogged(answer, "TN0003", "lone");
    for (const pid of httpd.workersOf("lone")) process.kill(pid, "SIGUSR2");
    assert.equal((await rest(held)).status, 200);
    assert.equal((await own("/lone/pid")).status, 200);
  });

  it("answers 503 at once when the queue is full", async () => {
    httpd.expectLog("TN0002");
    await waitForWorker("short");
    const held = await head(open(`${httpd.url}/short/hold?head`).end());
    const answers: Answer[] = [];
    const asked = Array.from({ length: 8 }, async () => answers.push(await own("/short/pid")));
    // Nothing lets the worker go before: what is answered here was refused.
    await waitUntil("a refusal", () => answers.length > 0);
    const refused = answers[0];
    assert.ok(refused);
    assert.equal(refused.status, 503);
    assert.match(refused.headers["retry-after"] ?? "", /^\d+$/);
    await assertLogged(refused, "TN0002", "short");
    for (const pid of httpd.workersOf("short")) process.kill(pid, "SIGUSR2");
    assert.equal((await rest(held)).status, 200);
    await Promise.all(asked);
    const statuses = new Set(answers.map(({ status }) => status));
    assert.deepEqual([...statuses].sort(), [200, 503]);
  });

  it("answers 504 when the application does not answer in time", async () => {
    httpd.expectLog("TN0004");
    const answer = await own("/slow/never");
    assert.equal(answer.status, 504);
    await assertLogged(answer, "TN0004", "slow");
    assert.equal((await own("/slow/pid")).status, 200);
  });

  it("answers 500 when the application throws, with its stack in the virtual host's log", async () => {
    httpd.expectLog("TN0007");
    const answer = await own("/throws/throw");
    assert.equal(answer.status, 500);
    assert.doesNotMatch(answer.text, /probe/, "the body tells of the inside");
    await httpd.log("own.log").waitFor(/TN0007: \[throws \d+ #.*thrown by the probe/);
    await httpd.log("own.log").waitFor(/TN0007: \[throws \d+ #.*test\/apache\/probe\.ts:\d+:\d+/);
    await waitForWorker("throws");
  });

  describe("in the middle of an answer", () => {
    const cases = [
      ["an answer broken off short of its declared length", "/breaks/break?declared=100"],
      ["an answer of unknown length broken off", "/breaks/break?"],
      ["an answer shorter than declared", "/breaks/short?"],
      ["an answer whose worker died", "/dies/die?"],
    ] as const;
    before(() => httpd.expectLog("TN0005", "TN0006", "TN0009"));

    /** Lets the application go on once the client has the beginning of its answer. */
    function goOn(path: string, name: string): void {
      const url = `${httpd.url}/${path.split("/")[1]}/happen?name=${name}`;
      // The worker that is told may die before it answers.
      void ask(url).catch(() => undefined);
    }

    for (const [title, path] of cases) {
      for (const version of ["1.0", "1.1"]) {
        it(`resets the connection of HTTP/${version} for ${title}`, async () => {
          const name = `${title} ${version}`.replaceAll(" ", "-");
          const bytes = `GET ${path}&name=${name} HTTP/${version}\r\nHost: a\r\n\r\n`;
          const { text, ended } = await exchangeBytes(httpd.places.port, bytes, (sofar) => {
            if (sofar.endsWith("the beginning") || sofar.endsWith("the beginning\r\n"))
              goOn(path, name);
          });
          assert.match(text, /^HTTP\/1\.1 200 OK\r\n.*the beginning(\r\n)?$/s);
          assert.equal(ended, "reset");
        });
      }

      it(`resets the stream of HTTP/2 for ${title}`, async () => {
        const name = `${title} 2`.replaceAll(" ", "-");
        const session = http2.connect(httpd.tlsUrl, { rejectUnauthorized: false });
        try {
          const stream = session.request({ ":path": `${path}&name=${name}` });
          const closed = new Promise((resolve) => stream.once("close", resolve));
          stream.on("error", () => undefined);
          const [fields] = await once(stream, "response");
          assert.equal(fields[":status"], 200);
          assert.equal(String((await once(stream, "data"))[0]), "the beginning");
          goOn(path, name);
          await closed;
          assert.notEqual(stream.rstCode, 0);
        } finally {
          session.destroy();
        }
      });
    }
  });

  it("tells the application that the client has gone, and frees the worker", async () => {
    await waitForWorker("lone");
    const request = open(`${httpd.url}/watch/hold?name=left&head`).end();
    const response = await head(request);
    request.destroy();
    response.on("error", () => undefined);
    assert.equal((await own("/watch/happened?name=left-gone")).status, 200);

    const busy = open(`${httpd.url}/lone/hold?name=alone&head`).end();
    (await head(busy)).on("error", () => undefined);
    busy.destroy();
    await waitForWorker("lone");
  });

  it("tells the application that a client has gone which sends no more of its body", async () => {
    const request = open(`${httpd.url}/watch/hold?name=half`, {
      method: "POST",
      headers: { "Content-Length": 1_000_000 },
    });
    request.on("error", () => undefined);
    request.write("some");
    assert.equal((await own("/watch/happened?name=half-begun")).status, 200);
    request.destroy();
    assert.equal((await own("/watch/happened?name=half-gone")).status, 200);
  });
});
