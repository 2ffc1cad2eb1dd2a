// SPDX-License-Identifier: Apache-2.0
// What becomes of open WebSockets and event streams when their worker is replaced, whatever for.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { type RawData, WebSocket } from "ws";
import { ask, head, open } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { alive, waitUntil } from "../helpers/processes.ts";
import { Sources } from "../helpers/sources.ts";

const APP = `import { serve } from "${join(root, "test", "applications", "long-lived.ts")}";
import { version } from "./version.ts";
serve(version);
`;
const SERVICE_RESTART = 1012;
/** Closes come a second before the graceful time-out. */
const GRACEFUL_MS = 4000;
/** Requests that a worker of the pool "recycled" serves. */
const REQUESTS = 3;

const command = join(root, "ts", "cli", "main.ts");
const run = promisify(execFile);

/** Each pool, its directives, and what replaces its worker. */
const causes = {
  graceful: { directives: "", what: "a save" },
  strict: { directives: "TenonReload strict", what: "a save, where the pool is strict" },
  restarted: { directives: "TenonReload off", what: "tenon restart" },
  recycled: { directives: `TenonRequests ${REQUESTS} 0%`, what: "TenonRequests" },
} as const;

type Cause = keyof typeof causes;

describe("WebSockets and event streams of a worker that is replaced", () => {
  let httpd: TestHttpd;
  const sources: Sources[] = [];
  let version = 0;

  before(async () => {
    const text = [];
    for (const name of Object.keys(causes) as Cause[]) {
      for (const [kind, time] of [
        ["", "60s"],
        ["-limited", `${GRACEFUL_MS}ms`],
      ]) {
        const folder = new Sources({ "app.ts": APP, "version.ts": versionText(0) });
        sources.push(folder);
        folders.set(`${name}${kind}`, folder);
        const { directives } = causes[name];
        const all = `TenonProcesses 1 1\nTenonGracefulTimeout ${time}\n${directives}`;
        text.push(pool(`${name}${kind}`, all, folder.path("app.ts")));
      }
    }
    httpd = await startHttpd({ text: text.join("\n") });
  });
  after(async () => {
    await httpd.stop();
    for (const folder of sources) folder.remove();
  });

  const folders = new Map<string, Sources>();

  function versionText(number: number): string {
    return `export const version: number = ${number};\n`;
  }

  /** A WebSocket and an event stream of the same worker. */
  async function opened(
    name: string,
  ): Promise<{ socket: WebSocket; events: IncomingMessage; worker: number }> {
    const socket = new WebSocket(`${httpd.url.replace(/^http/, "ws")}/${name}`);
    await once(socket, "open");
    const request = open(`${httpd.url}/${name}/events`).end();
    // A stream that is cut off has its error in the answer.
    request.on("error", () => undefined);
    const events = await head(request);
    const worker = Number((await echoed(socket)).split(" ")[2]);
    assert.ok((await nextEvent(events)).endsWith(` ${worker}`));
    return { socket, events, worker };
  }

  async function echoed(socket: WebSocket): Promise<string> {
    const closed = new AbortController();
    socket.once("close", (code) => closed.abort(new Error(`closed with ${code}`)));
    const answer = once(socket, "message", { signal: closed.signal }) as Promise<[RawData]>;
    socket.send("hello");
    return String((await answer)[0]);
  }

  async function nextEvent(events: IncomingMessage): Promise<string> {
    events.resume();
    const [data] = await once(events, "data");
    return String(data).split("\n")[0] ?? "";
  }

  /** Replaces the worker of a pool and waits until another answers. */
  async function replaced(name: string, cause: Cause, worker: number): Promise<void> {
    version += 1;
    folders.get(name)?.replace("version.ts", versionText(version));
    if (cause === "restarted") {
      const flags = ["--disable-warning=ExperimentalWarning", command];
      await run(process.execPath, [...flags, "--runtime", httpd.runtime, "restart", name]);
    }
    await waitUntil("another worker that answers", async () => {
      const [by, pid] = (await ask(`${httpd.url}/${name}`)).text.split(" ");
      if (cause !== "recycled") return Number(pid) !== worker && Number(by) === version;
      return Number(pid) !== worker;
    });
  }

  for (const [cause, { what }] of Object.entries(causes) as [Cause, { what: string }][]) {
    it(`go on behind ${what} until the client closes them; then the worker ends`, async () => {
      const { socket, events, worker } = await opened(cause);
      const before = version;
      const [by] = (await nextEvent(events)).split(" ").slice(1);
      await replaced(cause, cause, worker);
      assert.ok(version > before);
      for (let turn = 0; turn < 5; turn++) {
        assert.equal(await echoed(socket), `hello: ${by} ${worker}`);
        assert.equal(await nextEvent(events), `data: ${by} ${worker}`);
      }
      socket.close(1000);
      await once(socket, "close");
      assert.ok(alive(worker), "the worker ended before its event stream");
      events.destroy();
      await waitUntil("the end of the old worker", () => !alive(worker));
    });
  }

  for (const [cause, { what }] of Object.entries(causes) as [Cause, { what: string }][]) {
    it(`end at TenonGracefulTimeout behind ${what}, the socket with 1012`, async () => {
      httpd.expectLog("TN0006");
      const name = `${cause}-limited`;
      const { socket, events, worker } = await opened(name);
      const began = performance.now();
      const closed = once(socket, "close");
      const cut = assert.rejects(async () => {
        for await (const _ of events) {
          // Until it ends.
        }
      });
      await replaced(name, cause, worker);
      assert.equal((await closed)[0], SERVICE_RESTART);
      const took = performance.now() - began;
      assert.ok(took > GRACEFUL_MS - 1100, `closed after ${took} ms`);
      await cut;
      await waitUntil("the end of the old worker", () => !alive(worker));
      await httpd.waitForLog(new RegExp(`TN0304: \\[${name} \\d+\\] broke off 1 requests`));
      await httpd.waitForLog(new RegExp(`${worker}\\] socket closed with ${SERVICE_RESTART}`));
    });
  }
});
