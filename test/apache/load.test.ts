// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { Agent } from "node:http";
import { ask, head, open, rest } from "../helpers/http-client.ts";
import { pool, startHttpd, type TestHttpd } from "../helpers/httpd.ts";

/** One child with more threads than clients: one whose threads are all busy closes connections that are kept. */
const ONE_CHILD = `ServerLimit 1
StartServers 1
ThreadLimit 256
ThreadsPerChild 256
MaxRequestWorkers 256
MinSpareThreads 1
MaxSpareThreads 256`;

describe("load on httpd", () => {
  let httpd: TestHttpd;

  before(async () => {
    const text = [
      pool(
        "many",
        "TenonProcesses 0 2\nTenonConcurrency 150\nTenonQueueLength 300\nTenonThreads 95%",
      ),
      pool("single", "TenonProcesses 0 3\nTenonConcurrency 1"),
      pool("unused", "TenonProcesses 0 3"),
    ];
    httpd = await startHttpd({ size: ONE_CHILD, text: text.join("\n") });
  });
  after(() => httpd.stop());

  it("serves 200 concurrent clients over connections that are kept", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 200 });
    let connections = 0;
    const client = async (number: number): Promise<void> => {
      for (let turn = 0; turn < 20; turn++) {
        const body = `client ${number} turn ${turn} `.repeat(50);
        const answer = await ask(`${httpd.url}/many/echo`, { method: "POST", body, agent });
        assert.equal(answer.status, 200, answer.text);
        assert.equal(answer.text, body);
      }
    };
    agent.on("free", () => {
      connections = Math.max(connections, Object.values(agent.sockets).flat().length);
    });
    try {
      await Promise.all(Array.from({ length: 200 }, (_, number) => client(number)));
    } finally {
      agent.destroy();
    }
    assert.ok(connections > 100, `only ${connections} connections at once`);
  });

  it("serves 100 requests in a row over one connection", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let reused = 0;
    try {
      for (let turn = 0; turn < 100; turn++) {
        const request = open(`${httpd.url}/many/pid`, { agent }).end();
        assert.equal((await rest(await head(request))).status, 200);
        if (request.reusedSocket) reused++;
      }
    } finally {
      agent.destroy();
    }
    assert.equal(reused, 99);
  });

  it("starts workers as requests wait, up to the maximum, and queues the rest", async () => {
    const url = `${httpd.url}/single`;
    const asked = Array.from({ length: 3 }, () => open(`${url}/hold?head`).end());
    const held = await Promise.all(asked.map(head));
    const pids = httpd.workersOf("single");
    assert.equal(pids.length, 3);
    let answered = false;
    const queued = ask(`${url}/pid`).then((answer) => {
      answered = true;
      return answer;
    });
    assert.equal(answered, false);
    // All are busy, so none would take a request that lets another go.
    for (const pid of pids) process.kill(pid, "SIGUSR2");
    const answers = await Promise.all(held.map(rest));
    const holders = answers.map(({ text }) => Number(/held (\d+)/.exec(text)?.[1]));
    assert.deepEqual(holders.sort(), pids.sort());
    assert.ok(pids.includes(Number((await queued).text)));
  });

  it("starts no worker for a pool that gets no request", () => {
    assert.deepEqual(httpd.workersOf("unused"), []);
  });
});
