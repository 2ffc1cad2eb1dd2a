// SPDX-License-Identifier: Apache-2.0
// More than a pool can do, and clients that take their time.
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { ask, open } from "../../helpers/http-client.ts";
import type { Scenario } from "../scenario.ts";
import type { Site } from "../site.ts";

/** More than httpd has threads (processes under prefork). */
const HANGING = 400;
const LEAVING = 100;
const SLOW = 100;
const CROWD = 32;

/** More requests that hang in one pool than httpd can have; the other pool and httpd's files must go on. */
async function hang(site: Site): Promise<void> {
  let refused = 0;
  const hanging = Array.from({ length: HANGING }, () => open(`${site.url}/fault/never`).end());
  for (const request of hanging) {
    request.on("error", () => undefined);
    request.on("response", (response) => {
      assert.equal(response.statusCode, 503);
      refused += 1;
      response.resume();
    });
  }
  await site.until("refusals", () => refused > 0);
  await Promise.all(site.beside.map((load) => load.more(500)));
  site.figure("refused", refused, "requests");
  for (const request of hanging) request.destroy();
}

/** Clients that go away in the middle of what they send or get. */
async function leave(site: Site): Promise<void> {
  for (let index = 0; index < LEAVING; index++) {
    const kind = site.random.pick(["get", "stream", "post"]);
    const request = open(`${site.url}/${kind}?id=left-${site.random.next()}&ms=1000`, {
      method: kind === "post" ? "POST" : "GET",
      ...(kind === "post" ? { headers: { "Content-Length": 100_000 } } : {}),
    });
    request.on("error", () => undefined);
    if (kind === "post") request.write("some");
    else request.end();
    await site.load.more(5);
    request.destroy();
  }
}

/** Clients that have sent half of a head, or half of a body, and hold what they have. */
async function dawdle(site: Site): Promise<void> {
  const { port } = site.httpd.places;
  const sockets: Socket[] = [];
  for (let index = 0; index < SLOW; index++) {
    const socket = connect(port, "127.0.0.1").on("error", () => undefined);
    const half = index % 2 === 0 ? "" : "Host: a\r\nContent-Length: 1000\r\n\r\nsome";
    socket.write(`POST /attacked/post?id=slow-${index} HTTP/1.1\r\n${half}`);
    sockets.push(socket);
  }
  await site.load.more(1000);
  for (const socket of sockets) socket.destroy();
}

/** A crowd that asks for more than the pool can take: refused with 503 and Retry-After, how fast is a figure. */
async function overrun(site: Site): Promise<void> {
  const crowd = site.crowd(CROWD);
  await crowd.more(300);
  const times: number[] = [];
  while (times.length < 20) {
    const start = performance.now();
    const answer = await ask(`${site.url}/get?id=over-${site.random.next()}&ms=20`);
    if (answer.status !== 503) continue;
    times.push(performance.now() - start);
    assert.match(answer.headers["retry-after"] ?? "", /^\d+$/);
  }
  await crowd.stop();
  assert.match(crowd.describeFailures(), /^get 503×\d+$/);
  times.sort((one, other) => one - other);
  site.figure("refused", crowd.failed("get"), "requests");
  site.figure("refused-median", Number((times[10] ?? 0).toFixed(1)), "ms", 100);
}

export const overloads: Readonly<Record<string, Scenario>> = {
  "slow-pool": {
    text: `${HANGING} requests that hang in the pool; another pool and a file must go on`,
    // The load itself gets no answer in time, or none at all.
    expects: ["TN0002", "TN0003", "TN0006", "TN0060", "AH00484", "AH00161"],
    pool: "TenonProcesses 2 2\nTenonConcurrency 1000",
    connections: 4,
    // A process of httpd that has no thread left closes connections that are kept.
    fresh: true,
    fault: hang,
    limits: {
      failed: { get: 1000, post: 1000, stream: 1000 },
      outcomes: ["503"],
      recoveryMs: 15_000,
      besideMs: 1500,
    },
  },
  "full-queue": {
    text: `${CROWD} more clients on a pool that can take 4 requests, and lets 4 wait`,
    expects: ["TN0002"],
    pool: "TenonProcesses 2 2\nTenonConcurrency 2\nTenonQueueLength 4",
    connections: 4,
    mix: ["get"],
    workMs: 20,
    fault: overrun,
    limits: { failed: { get: 100_000 }, outcomes: ["503"], recoveryMs: 15_000 },
  },
  "leaving-clients": {
    text: `${LEAVING} clients that go away in the middle`,
    expects: [],
    fault: leave,
    limits: { recoveryMs: 5000 },
  },
  "slow-clients": {
    text: `${SLOW} clients that stop in the middle of their request`,
    expects: [],
    fault: dawdle,
    limits: { recoveryMs: 5000 },
  },
};
