// SPDX-License-Identifier: Apache-2.0
// Express with WebSockets and server-sent events on one server (applications/live.ts).
import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { type RawData, WebSocket } from "ws";
import { ask } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { waitUntil } from "../helpers/processes.ts";

const application = join(root, "test", "frameworks", "applications", "live.ts");

interface Said {
  readonly id: string;
  readonly text: string;
}

describe("Express with WebSockets and server-sent events", () => {
  let httpd: TestHttpd;

  before(async () => {
    httpd = await startHttpd({ text: () => pool("live", "TenonProcesses 1 1", application) });
    await httpd.waitForReady("live", 1);
  });
  after(() => httpd.stop());

  /** Events as they come, each once. */
  async function* events(
    headers: Record<string, string>,
    stop: AbortController,
  ): AsyncGenerator<Said> {
    const response = await fetch(`${httpd.url}/live/events`, { headers, signal: stop.signal });
    assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      const pieces = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split("\n\n");
      rest = pieces.pop() ?? "";
      for (const piece of pieces) {
        const [, id = "", text = ""] = /^id: (\d+)\nevent: said\ndata: (.*)$/.exec(piece) ?? [];
        yield { id, text };
      }
    }
  }

  async function say(text: string): Promise<number> {
    const headers = { "Content-Type": "application/json" };
    const body = JSON.stringify({ text });
    const response = await fetch(`${httpd.url}/live/say`, { method: "POST", headers, body });
    assert.equal(response.status, 201);
    return ((await response.json()) as { listeners: number }).listeners;
  }

  async function socket(path = "/live/socket"): Promise<WebSocket> {
    const opened = new WebSocket(`${httpd.url.replace(/^http/, "ws")}${path}`);
    await once(opened, "message");
    return opened;
  }

  it("sends an event the moment it happens, and goes on where a client had left", async () => {
    const stop = new AbortController();
    const stream = events({}, stop);
    const first = stream.next();
    await waitUntil("the listener", async () => (await say("now")) === 1);
    const { id, text } = (await first).value as Said;
    assert.equal(text, "now");
    stop.abort();
    await assert.rejects(stream.next());
    await say("while nobody listened");
    const again = new AbortController();
    const rest = events({ "Last-Event-ID": id }, again);
    let missed: Said;
    do missed = (await rest.next()).value as Said;
    while (missed.text === "now");
    assert.equal(missed.text, "while nobody listened");
    again.abort();
    await assert.rejects(rest.next());
  });

  it("notices a listener that has gone", async () => {
    const stop = new AbortController();
    const stream = events({}, stop);
    const first = stream.next();
    await waitUntil("the listener", async () => (await say("one")) === 1);
    await first;
    stop.abort();
    await assert.rejects(stream.next());
    await waitUntil("its end", async () => (await say("none")) === 0);
  });

  it("tells the same to its WebSockets", async () => {
    const sockets = await Promise.all([socket(), socket()]);
    const heard = sockets.map((one) => once(one, "message") as Promise<[RawData]>);
    await say("to all");
    for (const message of heard) assert.equal(String((await message)[0]), "to all");
    for (const one of sockets) one.close();
    await Promise.all(sockets.map((one) => once(one, "close")));
  });

  it("refuses an upgrade at another path, and answers what its router does not know", async () => {
    const refused = new WebSocket(`${httpd.url.replace(/^http/, "ws")}/live/other`);
    const [, response] = await once(refused, "unexpected-response");
    assert.equal(response.statusCode, 400);
    response.resume();
    await once(response, "end");
    assert.equal((await ask(`${httpd.url}/live/nothing`)).status, 404);
  });
});
