// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { once } from "node:events";
import { Socket } from "node:net";
import fc from "fast-check";
import type { WorkerMessage } from "../../ts/channel/control-messages.ts";
import { native } from "../../ts/native.ts";
import { Control, parseWorkerMessage } from "../../ts/supervisor/control.ts";

describe("supervisor/control", () => {
  it("knows the messages of a worker", () => {
    assert.deepEqual(parseWorkerMessage('{"type":"ready","shape":"fetch"}'), {
      type: "ready",
      shape: "fetch",
    });
    assert.deepEqual(parseWorkerMessage('{"type":"draining","inFlight":2}'), {
      type: "draining",
      inFlight: 2,
    });
    assert.deepEqual(
      parseWorkerMessage('{"type":"failed","code":"C","message":"m","stack":"s","more":1}'),
      { type: "failed", code: "C", message: "m", stack: "s" },
    );
  });

  it("believes no value of a wrong type", () => {
    assert.deepEqual(parseWorkerMessage('{"type":"failed","code":{},"message":[],"stack":1}'), {
      type: "failed",
      code: "",
      message: "",
      stack: "",
    });
    for (const line of ["", "null", "[]", "3", '{"type":"start"}', "{", '"ready"']) {
      assert.equal(parseWorkerMessage(line), undefined, line);
    }
  });

  it("survives any line", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (line) => void parseWorkerMessage(line)),
    );
  });

  it("finds the message behind a line without end, drops that, and tells that the worker has closed it", async () => {
    const [ours, theirs] = native().createSocketPair();
    const worker = new Socket({ fd: theirs });
    const messages: WorkerMessage[] = [];
    let control: Control | undefined;
    let closed = (): void => {};
    const end = new Promise<void>((resolve) => {
      closed = resolve;
    });
    await new Promise<void>((resolve) => {
      const onMessage = (message: WorkerMessage): void => {
        messages.push(message);
        resolve();
      };
      control = new Control(ours, onMessage, closed);
      worker.write("x".repeat(300_000));
      worker.write('\n{"type":"ready","shape":"server"}\n');
    });
    assert.deepEqual(messages, [{ type: "ready", shape: "server" }]);
    worker.end();
    await end;
    control?.close();
    worker.resume();
    await once(worker, "close");
  });
});
