// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, Socket as NetSocket, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { native } from "../../ts/native.ts";

describe("native/accept", () => {
  let folder: string;
  let path: string;
  let listeners: number[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tenon-accept-"));
    path = join(folder, "socket");
    listeners = [];
  });

  afterEach(() => {
    for (const fd of listeners) closeSync(fd);
    rmSync(folder, { recursive: true });
  });

  function listen(backlog = 8, mode = 0o660): number {
    const fd = native().listenUnix(path, backlog, mode);
    listeners.push(fd);
    return fd;
  }

  async function client(): Promise<Socket> {
    const socket = connect(path);
    await once(socket, "connect");
    return socket;
  }

  it("binds a socket with exactly the permissions asked for, whatever the umask", () => {
    const before = process.umask(0o077);
    try {
      listen(8, 0o626);
    } finally {
      process.umask(before);
    }
    assert.equal(statSync(path).mode & 0o7777, 0o626);
  });

  it("takes no connection by itself", async () => {
    const fd = listen();
    const socket = await client();
    const first = native().acceptConnection(fd);
    assert.ok(first);
    assert.equal(native().acceptConnection(fd), undefined);
    closeSync(first.fd);
    socket.destroy();
  });

  it("tells who has connected", async () => {
    const fd = listen();
    const socket = await client();
    const accepted = native().acceptConnection(fd);
    assert.ok(accepted);
    const { fd: connection, ...peer } = accepted;
    assert.deepEqual(peer, {
      pid: process.pid,
      uid: process.getuid?.(),
      gid: process.getgid?.(),
    });
    assert.deepEqual(native().peerCredentials(connection), peer);
    closeSync(connection);
    socket.destroy();
  });

  it("gives a connection that carries bytes both ways", async () => {
    const fd = listen();
    const socket = await client();
    const accepted = native().acceptConnection(fd);
    assert.ok(accepted);
    const server = new NetSocket({ fd: accepted.fd, readable: true, writable: true });
    socket.write("ping");
    assert.equal(String((await once(server, "data"))[0]), "ping");
    server.end("pong");
    assert.equal(String((await once(socket, "data"))[0]), "pong");
    socket.destroy();
  });

  it("passes over connections whose peer has gone", async () => {
    const fd = listen();
    const gone = await client();
    const here = await client();
    const closed = once(gone, "close");
    gone.destroy();
    await closed;
    const accepted = native().acceptConnection(fd);
    assert.ok(accepted);
    const ended = once(here, "close");
    here.resume();
    closeSync(accepted.fd);
    await ended;
    assert.equal(native().acceptConnection(fd), undefined);
  });

  it("removes the socket of a dead predecessor, and no other kind of file", async () => {
    closeSync(native().listenUnix(path, 1, 0o600));
    assert.ok(existsSync(path));
    const fd = listen();
    const socket = await client();
    const accepted = native().acceptConnection(fd);
    assert.ok(accepted);
    closeSync(accepted.fd);
    socket.destroy();
    const file = join(folder, "file");
    writeFileSync(file, "kept");
    assert.throws(() => native().listenUnix(file, 1, 0o600), {
      code: "EADDRINUSE",
      syscall: "bind",
      path: file,
    });
  });

  it("bounds the queue by the backlog, which can be changed while it listens", async () => {
    const fd = listen(0);
    const first = await client();
    // A Unix socket's queue is full at once: there is no handshake that could be repeated.
    const [error] = (await once(connect(path), "error")) as [NodeJS.ErrnoException];
    assert.equal(error.code, "EAGAIN");
    native().setBacklog(fd, 4);
    const second = await client();
    first.destroy();
    second.destroy();
  });

  it("says what the system refused", () => {
    assert.throws(() => native().listenUnix(join(folder, "none", "s"), 1, 0o600), {
      code: "ENOENT",
      syscall: "bind",
    });
    assert.throws(() => native().listenUnix(`/tmp/${"x".repeat(200)}`, 1, 0o600), {
      code: "ENAMETOOLONG",
    });
    assert.throws(() => native().acceptConnection(999_999), { code: "EBADF", syscall: "accept4" });
    const [a, b] = native().createSocketPair();
    assert.throws(() => native().acceptConnection(a), { code: "EINVAL" });
    assert.throws(() => native().setBacklog(a, 1), { code: "EINVAL", syscall: "listen" });
    closeSync(a);
    closeSync(b);
  });

  it("refuses arguments of a wrong type or range", () => {
    const wrong = native() as unknown as Record<string, (...args: unknown[]) => unknown>;
    const cases: [string, unknown[]][] = [
      ["listenUnix", ["", 1, 0o600]],
      ["listenUnix", ["/a\0b", 1, 0o600]],
      ["listenUnix", [7, 1, 0o600]],
      ["listenUnix", ["/a", -1, 0o600]],
      ["listenUnix", ["/a", 1, 0o1000]],
      ["listenUnix", ["/a", 1]],
      ["acceptConnection", []],
      ["acceptConnection", [1.5]],
      ["acceptConnection", ["1"]],
      ["setBacklog", [0, Number.NaN]],
      ["peerCredentials", [-1]],
    ];
    for (const [name, args] of cases) {
      assert.throws(
        () => wrong[name]?.(...args),
        { name: "TypeError", code: "TENON_ERR_ARGUMENT" },
        name,
      );
    }
  });
});
