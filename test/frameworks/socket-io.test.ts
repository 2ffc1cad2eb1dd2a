// SPDX-License-Identifier: Apache-2.0
// socket.io and its client, both unmodified, over all its transports.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";

const application = join(root, "test", "frameworks", "applications", "socket-io.ts");

interface Welcome {
  readonly pid: number;
  readonly transport: string;
}

/** Resolves with the first argument of an event's next occurrence. */
function next<T>(socket: Socket, event: string): Promise<T> {
  return new Promise((resolve) => socket.once(event, (value: T) => resolve(value)));
}

describe("socket.io", () => {
  let httpd: TestHttpd;
  const sockets: Socket[] = [];

  before(async () => {
    httpd = await startHttpd({
      text: () =>
        [
          pool("one", "TenonProcesses 1 1", application),
          pool("two", "TenonProcesses 2 2", application),
        ].join("\n"),
    });
    await httpd.waitForReady("one", 1);
    await httpd.waitForReady("two", 2);
  });
  after(() => httpd.stop());
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.disconnect();
  });

  function client(
    options: Partial<ManagerOptions & SocketOptions> = {},
    { name = "one", namespace = "/" }: { name?: string; namespace?: string } = {},
  ): Socket {
    const socket = io(`${httpd.url}${namespace}`, {
      path: `/${name}/socket.io`,
      forceNew: true,
      reconnectionDelay: 20,
      ...options,
    });
    sockets.push(socket);
    return socket;
  }

  for (const transport of ["polling", "websocket"] as const) {
    describe(`over ${transport}`, () => {
      const transports = [transport];

      it("connects, and has values and bytes echoed with acknowledgements", async () => {
        const socket = client({ transports });
        const welcome = await next<Welcome>(socket, "welcome");
        assert.equal(welcome.transport, transport);
        const values = ["text", 17, { nested: ["ü", null] }, randomBytes(100_000)];
        for (const value of values) {
          assert.deepEqual(await socket.emitWithAck("echo", value), value);
        }
      });

      it("asks the client and gets its acknowledgement", async () => {
        const socket = client({ transports });
        socket.on("question", (text: string, answer: (value: string) => void) =>
          answer(`${text}?`),
        );
        await next(socket, "welcome");
        assert.equal(await socket.emitWithAck("ask me"), "what is it?");
      });

      it("keeps rooms apart and reaches everybody", async () => {
        const [first, second, third] = [1, 2, 3].map(() => client({ transports })) as [
          Socket,
          Socket,
          Socket,
        ];
        await Promise.all([first, second, third].map((socket) => next(socket, "welcome")));
        await Promise.all([first.emitWithAck("join", "blue"), second.emitWithAck("join", "blue")]);
        const heard: unknown[] = [];
        third.on("said", (text) => heard.push(text));
        const said = next(second, "said");
        first.emit("say", "blue", "in blue");
        assert.equal(await said, "in blue");
        const all = [first, second, third].map((socket) => next(socket, "said"));
        first.emit("everybody", "all");
        assert.deepEqual(await Promise.all(all), ["all", "all", "all"]);
        assert.deepEqual(heard, ["all"]);
      });

      it("lets into a namespace whom its middleware lets in", async () => {
        const inside = client({ transports, auth: { token: "secret" } }, { namespace: "/private" });
        assert.equal(await next(inside, "inside"), "/private");
        const outside = client({ transports, auth: {} }, { namespace: "/private" });
        assert.equal((await next<Error>(outside, "connect_error")).message, "not allowed");
      });

      it("connects again by itself when its worker is replaced", async () => {
        const socket = client({ transports });
        const { pid } = await next<Welcome>(socket, "welcome");
        const again = next<Welcome>(socket, "welcome");
        process.kill(pid, "SIGTERM");
        const welcome = await again;
        assert.notEqual(welcome.pid, pid);
        assert.equal(await socket.emitWithAck("echo", "again"), "again");
      });
    });
  }

  it("begins with polling and goes over to a WebSocket", async () => {
    const socket = client();
    const upgraded = new Promise((resolve) => socket.io.engine.once("upgrade", resolve));
    const { transport } = await next<Welcome>(socket, "welcome");
    assert.equal(transport, "polling");
    await upgraded;
    assert.equal(socket.io.engine.transport.name, "websocket");
    const bytes = randomBytes(300_000);
    assert.deepEqual(await socket.emitWithAck("echo", bytes), bytes);
  });

  it("connects again at once when httpd is gracefully restarted", async () => {
    const socket = client({ transports: ["websocket"] });
    const { pid } = await next<Welcome>(socket, "welcome");
    const again = next<Welcome>(socket, "welcome");
    await httpd.graceful();
    assert.equal((await again).pid, pid, "its configuration had not changed");
  });

  describe("with two workers", () => {
    it("serves clients that use nothing but WebSockets, on both", async () => {
      const pids = new Set<number>();
      for (const _ of [1, 2, 3, 4]) {
        const socket = client({ transports: ["websocket"] }, { name: "two" });
        pids.add((await next<Welcome>(socket, "welcome")).pid);
      }
      assert.deepEqual(pids, new Set(httpd.workersOf("two")));
      const answers = await Promise.all(
        sockets.map((socket, index) => socket.emitWithAck("echo", index)),
      );
      assert.deepEqual(answers, [0, 1, 2, 3]);
    });

    // Why docs/compatibility.md says that polling needs one worker.
    it("knows the session of a polling client on one of them only", async () => {
      const socket = client({ transports: ["polling"], reconnection: false }, { name: "two" });
      const lost = next(socket.io as unknown as Socket, "error");
      const ended = Promise.race([lost, next(socket, "connect_error"), next(socket, "disconnect")]);
      let over = false;
      void ended.then(() => {
        over = true;
      });
      // One of these comes while the worker that knows the session holds the poll.
      while (!over) {
        const answered = socket
          .timeout(1000)
          .emitWithAck("echo", "a")
          .then(
            () => {},
            () => {},
          );
        await Promise.race([answered, ended]);
      }
    });
  });
});
