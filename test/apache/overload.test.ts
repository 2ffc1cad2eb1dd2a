// SPDX-License-Identifier: Apache-2.0
// P5: a pool that hangs takes no more than its share of httpd's threads, whatever its way to hang.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import type { ClientRequest } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Mpm } from "../../ts/cli/httpd-config.ts";
import { type Answer, ask, open } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { alive, linksOf, waitUntil } from "../helpers/processes.ts";

const hanging = join(root, "test", "applications", "hanging.ts");
const THREADS = 32;
/** What TenonThreads lets one pool have, as standard. */
const SHARE = 24;
/** Clients of the pool that hangs: more than httpd has threads. */
const CLIENTS = 100;
const ROUNDS = 40;
/** More than the time for which a pool may owe an answer before its share is one of the threads that run. */
const SILENCE_MS = 700;
/** Number of the pool that never is ready. */
const STARTING = 4;

const threaded = `ServerLimit 2
StartServers 2
ThreadLimit 16
ThreadsPerChild 16
MaxRequestWorkers ${THREADS}
MinSpareThreads 1
MaxSpareThreads ${THREADS}`;
const processes = `ServerLimit ${THREADS}
StartServers ${THREADS}
MaxRequestWorkers ${THREADS}
MinSpareServers ${THREADS}
MaxSpareServers ${THREADS}`;

/** A pool of one worker that may hang for as long as it likes. */
const hangs = (name: string, more = ""): string =>
  pool(name, `TenonProcesses 1 1\nTenonStallTimeout 1h\n${more}`, hanging);

const text = `${hangs("first")}${hangs("second")}${hangs("third")}${pool("well", "TenonProcesses 1 1")}${hangs("starting", "TenonStartupTimeout 1h\nTenonEnv HANG start")}
<Location "/status">
  SetHandler server-status
</Location>
LogFormat "%>s %D %{Retry-After}o %U" times
CustomLog logs/times.log times`;

async function start(mpm: Mpm, size: string, tls = false): Promise<TestHttpd> {
  const httpd = await startHttpd({
    mpm,
    size,
    tls,
    load: ["status"],
    text,
  });
  writeFileSync(join(httpd.places.directory, "htdocs", "static.txt"), "a file");
  await Promise.all(
    ["first", "second", "third", "well"].map((name) => httpd.waitForReady(name, 1)),
  );
  return httpd;
}

/** Whether a process may take connections of a port (proc_pid_net(5)). */
function listens(pid: number, port: number): boolean {
  const end = port.toString(16).toUpperCase().padStart(4, "0");
  const socket = new RegExp(`^ *\\d+: [0-9A-F]+:${end} \\S+ 0A (?:\\S+ +){5}(\\d+)`, "m");
  const [, inode] = socket.exec(readFileSync("/proc/net/tcp", "latin1")) ?? [];
  assert.ok(inode, `nobody listens on ${port}`);
  return linksOf(pid).includes(`socket:[${inode}]`);
}

function workerOf(httpd: TestHttpd): number {
  const [pid] = httpd.workersOf("first");
  assert.ok(pid, "no worker");
  return pid;
}

/** Clients that wait for an answer. */
class Crowd {
  readonly #url: string;
  readonly #requests: ClientRequest[] = [];
  readonly statuses: number[] = [];

  constructor(url: string, count: number) {
    this.#url = url;
    this.add(count);
  }

  add(count: number): void {
    for (let number = 0; number < count; number++) {
      const request = open(this.#url);
      request.on("error", () => undefined);
      request.on("response", (response) => {
        this.statuses.push(response.statusCode ?? 0);
        response.on("error", () => undefined).resume();
      });
      this.#requests.push(request.end());
    }
  }

  leave(): void {
    for (const request of this.#requests) request.destroy();
  }
}

/** What the status page says of a pool, by its number in the configuration. */
async function counts(httpd: TestHttpd, number = 0): Promise<(name: string) => number> {
  const { text } = await ask(`${httpd.url}/status?auto`);
  return (name) =>
    Number(new RegExp(`^TenonPool\\[${number}\\]${name}: (\\d+)$`, "m").exec(text)?.[1] ?? -1);
}

/** Asks for a file, of another pool and for the status page, one after the other: the times of each, ms. */
async function askOthers(
  httpd: TestHttpd,
  paths = ["/static.txt", "/well/pid", "/status?auto"],
): Promise<Record<string, number>> {
  const slowest: Record<string, number> = {};
  for (const path of paths) {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const began = performance.now();
      const answer: Answer = await ask(httpd.url + path);
      assert.equal(answer.status, 200, `${path}: ${answer.text}`);
      times.push(performance.now() - began);
    }
    slowest[path] = times.sort((a, b) => a - b)[ROUNDS - 2] ?? 0;
  }
  return slowest;
}

/** Whatever hangs, nobody else waits: two of a hundred times may be the machine's. */
function assertQuick(now: Record<string, number>, before: Record<string, number>): void {
  for (const [path, time] of Object.entries(now)) {
    const usual = before[path] ?? 0;
    assert.ok(time < usual * 5 + 100, `${path} took ${time} ms, and ${usual} ms before`);
  }
}

async function waitForThreads(httpd: TestHttpd, threads: number, number = 0): Promise<void> {
  await waitUntil(
    `${threads} threads`,
    async () => (await counts(httpd, number))("Threads") === threads,
    {
      explain: () => httpd.log().tail(),
    },
  );
}

for (const mpm of ["event", "worker", "prefork"] as const) {
  describe(`a pool that hangs, with more clients than httpd has threads, under ${mpm}`, () => {
    let httpd: TestHttpd;
    let usual: Record<string, number>;
    /** Of one pool after the other: each gets its part of what the others leave, but what is kept for files. */
    const shares = mpm === "prefork" ? [24, 6, 1] : [24, 5, 0];

    before(async () => {
      httpd = await start(mpm, mpm === "prefork" ? processes : threaded);
      usual = await askOthers(httpd);
      httpd.expectLog("TN0060", "AH00484", "AH00286", "AH00161");
    });
    after(() => httpd.stop());

    /** A crowd that asks while the pool hangs; then what hangs is ended. */
    async function withstand(crowd: Crowd, end: () => Promise<void>, number = 0): Promise<void> {
      try {
        await waitUntil(
          "the answers to those that may not wait",
          () => crowd.statuses.length >= CLIENTS - SHARE,
          {
            explain: () => `${crowd.statuses}\n${httpd.log().tail()}`,
          },
        );
        assert.deepEqual([...new Set(crowd.statuses)], [503]);
        await waitForThreads(httpd, SHARE, number);
        const said = await counts(httpd, number);
        assert.equal(said("ThreadsMax"), SHARE);
        assert.ok(said("NoThread") >= CLIENTS - SHARE);
        assertQuick(await askOthers(httpd), usual);
        assert.equal(crowd.statuses.length, CLIENTS - SHARE);
      } finally {
        crowd.leave();
        await end();
      }
      await waitForThreads(httpd, 0, number);
    }

    async function replaceWorker(): Promise<void> {
      const pid = workerOf(httpd);
      httpd.expectLog("TN0216", "TN0009");
      process.kill(pid, "SIGKILL");
      await waitUntil("the worker's end", () => !alive(pid));
      await waitUntil("another worker", () => httpd.workersOf("first").length === 1);
      assert.equal((await ask(`${httpd.url}/first/`)).status, 200);
    }

    it("never answers: all others are served as before", () =>
      withstand(new Crowd(`${httpd.url}/first/never`, CLIENTS), async () => undefined));

    it("is stopped by SIGSTOP: all others are served as before", async () => {
      const pid = workerOf(httpd);
      process.kill(pid, "SIGSTOP");
      await withstand(new Crowd(`${httpd.url}/first/`, CLIENTS), async () => {
        process.kill(pid, "SIGCONT");
      });
    });

    it("is in an endless loop: all others are served as before", () =>
      withstand(new Crowd(`${httpd.url}/first/loop`, CLIENTS), replaceWorker));

    it("accepts nothing: all others are served as before", () =>
      withstand(new Crowd(`${httpd.url}/starting/`, CLIENTS), async () => undefined, STARTING));

    it("is told of with 503 and Retry-After, in much less than a millisecond", () => {
      const lines = readFileSync(join(httpd.places.logs, "times.log"), "utf8").split("\n");
      const refused = lines.filter((line) => line.startsWith("503 "));
      assert.ok(refused.length >= CLIENTS - SHARE);
      assert.deepEqual([...new Set(refused.map((line) => line.split(" ")[2]))], ["1"]);
      const times = refused.map((line) => Number(line.split(" ")[1])).sort((a, b) => a - b);
      // Clients that come all at once wait for a processor too, most of all where each has a process of httpd.
      const quick = times[Math.floor(times.length / 10)] ?? 0;
      assert.ok(quick < 1000, `nine of ten of the refused took more than ${quick} µs`);
    });

    it("is no trouble when there are several: together they never have all threads", async () => {
      const crowds: Crowd[] = [];
      const hang = async (name: string): Promise<void> => {
        const number = crowds.length;
        crowds.push(new Crowd(`${httpd.url}/${name}/never`, CLIENTS));
        await waitForThreads(httpd, shares[number] ?? 0, number);
      };
      try {
        await hang("first");
        await hang("second");
        await hang("third");
        assertQuick(await askOthers(httpd, ["/static.txt", "/status?auto"]), usual);
      } finally {
        for (const crowd of crowds) crowd.leave();
      }
      for (const number of shares.keys()) await waitForThreads(httpd, 0, number);
    });

    it("loses what it held in children of httpd that are killed, and nothing else", async () => {
      const crowd = new Crowd(`${httpd.url}/first/never`, CLIENTS);
      try {
        await waitForThreads(httpd, SHARE);
        const { children } = httpd.processes();
        for (const child of children) process.kill(child, "SIGKILL");
        const again = (): boolean =>
          !children.some(alive) && httpd.processes().children.length >= children.length;
        await waitUntil("new children", again);
        await waitForThreads(httpd, 0);
      } finally {
        crowd.leave();
      }
      await withstand(new Crowd(`${httpd.url}/first/never`, CLIENTS), async () => undefined);
    });
  });
}

describe("a pool that hangs while httpd runs few of its threads", () => {
  let httpd: TestHttpd;

  before(async () => {
    const few = threaded
      .replace("ServerLimit 2", "ServerLimit 4")
      .replace("StartServers 2", "StartServers 1");
    httpd = await start(
      "event",
      few.replace(`MaxRequestWorkers ${THREADS}`, "MaxRequestWorkers 64"),
    );
    httpd.expectLog("TN0060");
  });
  after(() => httpd.stop());

  it("has its share of those that run, and does not take each child as it is started", async () => {
    const first = new Crowd(`${httpd.url}/first/never`, 1);
    // For so long nobody can know.
    await setTimeout(SILENCE_MS);
    const crowd = new Crowd(`${httpd.url}/first/never`, CLIENTS);
    try {
      // A burst of refusals that finds no thread idle has httpd start one more.
      const children = (): number => httpd.processes().children.length;
      const share = (): number => (SHARE / 2) * children();
      const refused = (): boolean => crowd.statuses.length === CLIENTS - share() + 1;
      await waitUntil("the refusals", refused, { explain: () => httpd.log().tail() });
      const said = await counts(httpd);
      assert.deepEqual([said("Threads"), said("ThreadsMax")], [share(), 2 * SHARE]);
      assertQuick(await askOthers(httpd), {});
      assert.ok(children() <= 2, `${children()} children`);
    } finally {
      first.leave();
      crowd.leave();
    }
    await waitForThreads(httpd, 0);
  });
});

for (const mpm of ["event", "worker"] as const) {
  describe(`children of httpd that finish what is open, under ${mpm}`, () => {
    /** More than twice ServerLimit under worker, which has as many as there are; event has no more than that. */
    const GENERATIONS = 6;
    const limit = mpm === "worker" ? 2 : GENERATIONS + 1;
    let httpd: TestHttpd;

    before(async () => {
      const size = threaded
        .replace("ServerLimit 2", `ServerLimit ${limit}`)
        .replace("StartServers 2", "StartServers 1")
        .replace(`MaxRequestWorkers ${THREADS}`, `MaxRequestWorkers ${limit * 16}`);
      httpd = await start(mpm, size);
    });
    after(() => httpd.stop());

    it("are counted however many they are, and no more when they are killed", async () => {
      const crowd = new Crowd(`${httpd.url}/first/never`, 0);
      const old = new Set<number>();
      try {
        for (let generation = 1; generation <= GENERATIONS; generation++) {
          crowd.add(1);
          const other = new Crowd(`${httpd.url}/second/never`, 1);
          await waitForThreads(httpd, generation);
          await waitForThreads(httpd, 1, 1);
          for (const child of httpd.processes().children) old.add(child);
          await httpd.graceful();
          await waitUntil("the end of idle children", () =>
            [...old].every((child) => !alive(child) || !listens(child, httpd.places.port)),
          );
          // Under worker the slot is free for another child once a thread has ended that was still busy.
          other.leave();
        }
        const left = [...old].filter(alive);
        assert.equal(left.length, GENERATIONS);
        for (const [killed, child] of left.entries()) {
          await waitForThreads(httpd, GENERATIONS - killed);
          process.kill(child, "SIGKILL");
        }
        await waitForThreads(httpd, 0);
      } finally {
        crowd.leave();
      }
    });
  });
}

/** Connects by HTTP/2. @param sessions what the test has to end */
function openSession(httpd: TestHttpd, sessions: ClientHttp2Session[]): ClientHttp2Session {
  const session = connectHttp2(httpd.tlsUrl, { rejectUnauthorized: false });
  session.on("error", () => undefined);
  sessions.push(session);
  return session;
}

describe("a pool that hangs, over HTTP/2", () => {
  const SESSIONS = 12;
  const STREAMS = 10;
  let httpd: TestHttpd;
  const sessions: ClientHttp2Session[] = [];
  const connect = (): ClientHttp2Session => openSession(httpd, sessions);

  before(async () => {
    httpd = await start("event", threaded, true);
    httpd.expectLog("TN0060");
  });
  after(() => httpd.stop());

  it("is refused beyond its share, and all others are served as before", async () => {
    try {
      for (let i = 0; i < SESSIONS; i++) {
        const session = connect();
        for (let j = 0; j < STREAMS; j++) {
          session
            .request({ ":path": "/first/never" })
            .on("error", () => undefined)
            .resume();
        }
      }
      await waitUntil("a refusal", async () => (await counts(httpd))("NoThread") > 0, {
        explain: () => httpd.log().tail(),
      });
      assertQuick(await askOthers(httpd), {});
      assert.ok((await counts(httpd))("Threads") <= SHARE);
    } finally {
      for (const session of sessions) session.destroy();
    }
    await waitForThreads(httpd, 0);
  });
});

describe("a pool that hangs, over HTTP/2, in a child of httpd with few threads for streams", () => {
  const STREAM_THREADS = 8;
  /** Three quarters, as TenonThreads has it. */
  const MOST = 6;
  let httpd: TestHttpd;
  const sessions: ClientHttp2Session[] = [];
  const connect = (): ClientHttp2Session => openSession(httpd, sessions);

  /** Asks over a session; no answer is what the test would wait for in vain. */
  function status(session: ClientHttp2Session, path: string): Promise<number> {
    return new Promise((resolve, reject) => {
      session
        .request({ ":path": path })
        .on("error", reject)
        .on("response", (headers) => resolve(Number(headers[":status"])))
        .resume();
    });
  }

  before(async () => {
    const size = threaded
      .replace("ServerLimit 2", "ServerLimit 1")
      .replace("StartServers 2", "StartServers 1")
      .replace(`MaxRequestWorkers ${THREADS}`, "MaxRequestWorkers 16")
      .replace(`MaxSpareThreads ${THREADS}`, "MaxSpareThreads 16");
    httpd = await start(
      "event",
      `${size}\n<IfModule http2_module>\nH2MinWorkers 4\nH2MaxWorkers ${STREAM_THREADS}\n</IfModule>`,
      true,
    );
    httpd.expectLog("TN0060");
  });
  after(() => httpd.stop());

  it("has its share of these, and leaves the rest to files and to other pools", async () => {
    try {
      for (let held = 1; held <= MOST; held++) {
        const session = held % 3 === 1 ? connect() : (sessions.at(-1) ?? connect());
        status(session, "/first/never").catch(() => undefined);
        await waitForThreads(httpd, held);
      }
      const another = connect();
      assert.equal(await status(another, "/first/never"), 503);
      assert.equal(await status(another, "/static.txt"), 200);
      assert.equal(await status(another, "/well/pid"), 200);
      assertQuick(await askOthers(httpd), {});
    } finally {
      for (const session of sessions) session.destroy();
    }
    await waitForThreads(httpd, 0);
  });
});
