// SPDX-License-Identifier: Apache-2.0
// P2: every request gets an answer, and none is run twice that must not be. A worker dies at each moment at which it can.
import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask, head, open, rest } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";

const app = join(root, "test", "apache", "replay-app.ts");
const METHODS = ["GET", "PUT", "POST"] as const;
const MPMS = ["event", "worker", "prefork"] as const;

type Method = (typeof METHODS)[number];

/** What the client gets (`cut`: an answer that visibly ends too early), and how often the application runs. */
type Outcome = readonly [answer: 200 | 502 | "cut", runs: number];

interface Moment {
  /** As docs/reliability.md has it. */
  readonly text: string;
  /** Workers that die so, one after the other. */
  readonly deaths?: 2;
  readonly outcomes: Readonly<Partial<Record<Method, Outcome>>>;
}

function all(...outcome: Outcome): Moment["outcomes"] {
  return { GET: outcome, PUT: outcome, POST: outcome };
}

/** The rows of docs/reliability.md, "Replay". */
const moments: Readonly<Record<string, Moment>> = {
  idle: { text: "between two requests, its channels kept open", outcomes: all(200, 1) },
  accepting: { text: "before it accepts the channel", outcomes: all(200, 1) },
  accepted: { text: "after it has accepted the channel, before HELLO", outcomes: all(200, 1) },
  greeted: { text: "after HELLO, before it reads the request", outcomes: all(200, 1) },
  read: { text: "after it has read the request, before the claim", outcomes: all(200, 1) },
  "read-twice": {
    text: "the same, and another worker too",
    deaths: 2,
    outcomes: all(200, 1),
  },
  claimed: {
    text: "after the claim, before the application is called",
    outcomes: { GET: [200, 1], PUT: [200, 1], POST: [502, 0] },
  },
  began: {
    text: "while the application works, before its answer",
    outcomes: { GET: [200, 2], PUT: [200, 2], POST: [502, 1] },
  },
  "began-twice": {
    text: "the same, and another worker too",
    deaths: 2,
    outcomes: { GET: [502, 2], PUT: [502, 2], POST: [502, 1] },
  },
  upload: {
    text: "after it has asked for body beyond the 64 KiB that came with the head",
    outcomes: { PUT: [502, 1], POST: [502, 1] },
  },
  head: { text: "after the head of its answer", outcomes: all("cut", 1) },
  body: { text: "in the middle of its answer's body", outcomes: all("cut", 1) },
  ended: { text: "after the end of its answer", outcomes: all(200, 1) },
};

function times(runs: number): string {
  return ["never", "once", "twice"][runs] as string;
}

function poolName(moment: string, method: Method): string {
  return `${moment}-${method}`.toLowerCase();
}

for (const mpm of MPMS) {
  describe(`a worker that dies, under the ${mpm} MPM`, () => {
    let httpd: TestHttpd;
    let folder: string;

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), "tenon-replay-"));
      mkdirSync(join(folder, "runs"));
      // The workers are another user's.
      for (const path of [folder, join(folder, "runs")]) chmodSync(path, 0o777);
      const pools = Object.keys(moments).flatMap((moment) =>
        METHODS.map((method) => {
          const directory = join(folder, poolName(moment, method));
          mkdirSync(join(directory, "runs"), { recursive: true });
          for (const path of [directory, join(directory, "runs")]) chmodSync(path, 0o777);
          const settings = `TenonProcesses 0 2\nTenonEnv FAULTS "${directory}"`;
          return pool(poolName(moment, method), settings, app);
        }),
      );
      httpd = await startHttpd({ mpm, text: () => pools.join("\n") });
      httpd.expectLog("TN0005", "TN0009", "TN0216");
    });
    after(async () => {
      await httpd.stop();
      rmSync(folder, { recursive: true });
    });

    for (const [name, { text, deaths, outcomes }] of Object.entries(moments)) {
      for (const [method, expected] of Object.entries(outcomes)) {
        const [answer, runs] = expected;
        it(`${text}: a ${method} gets ${answer} and is run ${times(runs)}`, async () => {
          const own = poolName(name, method as Method);
          const moment = name.replace("-twice", "");
          const directory = join(folder, own);
          if (name === "idle") {
            const first = await ask(`${httpd.url}/${own}/run?id=before`);
            process.kill(Number(first.headers["x-pid"]), "SIGKILL");
          }
          for (let number = 1; number <= (deaths ?? 1); number++) {
            writeFileSync(join(directory, `${moment}.${number}`), "");
          }
          const body = method === "GET" ? "" : "x".repeat(name === "upload" ? 300_000 : 1000);
          const request = open(`${httpd.url}/${own}/${moment}?id=only`, {
            method,
            headers: { "Content-Length": body.length },
          });
          request.on("error", () => undefined);
          const got = head(request);
          request.end(body);
          const response = await got;
          const pid = Number(response.headers["x-pid"]);
          if (name === "head") process.kill(pid, "SIGKILL");
          if (name === "body") response.once("data", () => process.kill(pid, "SIGKILL"));
          if (answer === "cut") {
            assert.equal(response.statusCode, 200);
            await assert.rejects(rest(response), { code: "ECONNRESET" });
          } else {
            const whole = await rest(response);
            assert.equal(whole.status, answer, whole.text);
            if (answer === 200) assert.equal(whole.text, String(body.length));
          }
          const ran = readdirSync(join(directory, "runs")).filter((entry) =>
            entry.startsWith("only-"),
          );
          assert.equal(ran.length, runs, "runs of the application");
          await httpd.waitForLog(new RegExp(`TN0216: \\[${own} .*SIGKILL`));
        });
      }
    }

    it("has been the one that the request was given to, each time", () => {
      const left = readdirSync(folder).flatMap((entry) =>
        readdirSync(join(folder, entry))
          .filter((name) => /\.[12]$/.test(name))
          .map((name) => `${entry} ${name}`),
      );
      // The worker that is not asked a second time does not die.
      assert.deepEqual(
        left.filter((name) => !/^(idle|head|body)-|-twice-post /.test(name)),
        [],
      );
    });
  });
}

describe("docs/reliability.md, Replay", () => {
  it("tells what becomes of a request at each moment", () => {
    const page = readFileSync(join(root, "docs", "reliability.md"), "utf8");
    const section = page.split(/^## /m).find((text) => text.startsWith("Replay\n")) ?? "";
    const rows = section
      .split("\n")
      .filter((line) => /^\| .* \| .* \|$/.test(line))
      .slice(1);
    const shown = (outcome: Outcome | undefined): string => {
      if (outcome === undefined) return "";
      const [answer, runs] = outcome;
      return `${answer}, ${times(runs)}`;
    };
    const expected = Object.values(moments).map(({ text, outcomes: { GET, PUT, POST } }) =>
      `| ${text} | ${shown(GET)} | ${shown(PUT)} | ${shown(POST)} |`.replaceAll("|  |", "| |"),
    );
    assert.deepEqual(rows, expected);
  });
});
