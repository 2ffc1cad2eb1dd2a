// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { on, once } from "node:events";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type { Clock } from "../../ts/supervisor/clock.ts";
import { readInspectorLine } from "../../ts/supervisor/inspector.ts";
import { type Rescued, rescue } from "../../ts/supervisor/rescue.ts";

const address = "ws://127.0.0.1:41234/b7c1b0b4-7c0e-4f0a-9c62-8a6f1a0b7f11";

/** Time that passes at once when `over` is called. */
class HandClock implements Clock {
  readonly #waiting = new Set<() => void>();

  now(): number {
    return 0;
  }

  after(_ms: number, callback: () => void): { cancel(): void } {
    this.#waiting.add(callback);
    return { cancel: () => this.#waiting.delete(callback) };
  }

  random(): number {
    return 0;
  }

  over(): void {
    for (const callback of this.#waiting) callback();
  }
}

describe("ts/supervisor/inspector.ts", () => {
  it("reads the address that Node tells, and what else it says of its inspector", () => {
    assert.equal(readInspectorLine(`Debugger listening on ${address}`), address);
    assert.equal(readInspectorLine("Debugger attached."), "");
    assert.equal(readInspectorLine(`Debugger ending on ${address}`), "");
    const help = "For help, see: https://nodejs.org/learn/getting-started/debugging";
    assert.equal(readInspectorLine(help), "");
    assert.equal(readInspectorLine("a line of the application"), undefined);
  });

  for (const forged of [
    address.replace("127.0.0.1", "10.0.0.1"),
    address.replace("127.0.0.1", "127.0.0.1@10.0.0.1"),
    address.replace(/[^/]*$/, "json"),
    `${address} and more`,
    address.replace("ws:", "http:"),
  ]) {
    it(`takes no other address from a worker: ${forged}`, () => {
      assert.equal(readInspectorLine(`Debugger listening on ${forged}`), undefined);
    });
  }
});

describe("ts/supervisor/rescue.ts", () => {
  /** Runs a rescue against an inspector that does as it likes, until time is over. @param over settles when it is */
  async function against(
    behave: (socket: WebSocket) => void,
    over: (clock: HandClock, server: WebSocketServer) => Promise<void>,
  ): Promise<Rescued> {
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    await once(server, "listening");
    server.on("connection", behave);
    const clock = new HandClock();
    const { port } = server.address() as AddressInfo;
    const outcome = rescue({
      signal: () => {},
      address: Promise.resolve(`ws://127.0.0.1:${port}`),
      turned: () => Promise.resolve(),
      clock,
    });
    try {
      await over(clock, server);
      return await outcome;
    } finally {
      for (const socket of server.clients) socket.terminate();
      server.close();
    }
  }

  async function asked(clock: HandClock, server: WebSocketServer): Promise<void> {
    const [socket] = (await once(server, "connection")) as [WebSocket];
    // The pause was asked for: what comes next is the end of its time.
    for await (const [data] of on(socket, "message")) {
      if (String(data).includes("Debugger.pause")) break;
    }
    clock.over();
  }

  it("gives up when the inspector does not open", async () => {
    const clock = new HandClock();
    const signals: string[] = [];
    const outcome = rescue({
      signal: () => signals.push("SIGUSR1"),
      address: new Promise(() => {}),
      turned: () => Promise.resolve(),
      clock,
    });
    clock.over();
    assert.deepEqual(await outcome, {
      failed: "the inspector did not open",
      request: "",
      stack: [],
    });
    assert.deepEqual(signals, ["SIGUSR1"]);
  });

  it("gives up when nothing pauses", async () => {
    const { failed } = await against(() => {}, asked);
    assert.match(String(failed), /could not be paused/);
  });

  for (const [name, reply] of Object.entries({
    "no JSON": "{",
    "another type": "7",
    "a stack that is none": JSON.stringify({ method: "Debugger.paused", params: 7 }).slice(0, -1),
    "a reply to nothing": JSON.stringify({ id: 99, result: {} }),
  })) {
    it(`stands an inspector that answers with ${name}`, async () => {
      const { failed } = await against((socket) => {
        socket.on("message", () => socket.send(reply));
      }, asked);
      assert.match(String(failed), /could not be paused/);
    });
  }

  it("believes nothing of a stack but texts and numbers", async () => {
    const frames = [
      {
        functionName: { toString: 1 },
        location: { scriptId: "1", lineNumber: "x", columnNumber: null },
      },
      7,
      null,
      { functionName: "f".repeat(100_000), location: [] },
    ];
    const { request, stack, failed } = await against(
      (socket) => {
        socket.on("message", (data) => {
          const { id, method } = JSON.parse(String(data));
          if (method === "Debugger.enable") {
            const params = { scriptId: "1", url: "file:///app.ts" };
            socket.send(JSON.stringify({ method: "Debugger.scriptParsed", params }));
          }
          if (method === "Debugger.pause") {
            socket.send(
              JSON.stringify({ method: "Debugger.paused", params: { callFrames: frames } }),
            );
          }
          if (method === "Debugger.disable") socket.send(JSON.stringify({ id, result: {} }));
          if (method === "Runtime.evaluate") {
            socket.send(JSON.stringify({ id, result: { result: { value: "x".repeat(1e6) } } }));
          }
        });
      },
      () => Promise.resolve(),
    );
    assert.equal(failed, undefined);
    assert.equal(request.length, 1000);
    assert.equal(stack[0], "at <anonymous> (/app.ts:1:1)");
    assert.ok(stack.every((line) => line.length < 1100));
  });
});
