// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer, get, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer as createNetServer } from "node:net";
import { Takeover } from "../../ts/adapter/server.ts";

async function listenAndClose(port: number): Promise<number> {
  const server = createNetServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return address.port;
}

function freePort(): Promise<number> {
  return listenAndClose(0);
}

describe("takeover of listening", () => {
  let takeover: Takeover;

  beforeEach(() => {
    takeover = new Takeover();
  });

  afterEach(() => takeover.end());

  it("takes the first HTTP server that listens, and binds no port", async () => {
    const server = createHttpServer();
    let called = 0;
    const port = await freePort();
    const returned = server.listen(port, "127.0.0.1", () => {
      called += 1;
    });
    assert.equal(returned, server);
    assert.equal(server.listening, true);
    await once(server, "listening");
    assert.equal(called, 1);
    assert.deepEqual(server.address(), { address: "127.0.0.1", family: "IPv4", port });
    assert.equal(await takeover.taken, server);
    // The port is still free.
    await listenAndClose(port);
    assert.equal(server.ref(), server);
    assert.equal(server.unref(), server);
    server.close();
    await once(server, "close");
    assert.equal(server.listening, false);
  });

  it("reads every spelling of listen that asks for a port or path", async () => {
    const spellings: readonly (readonly [unknown[], unknown])[] = [
      [[], { address: "::", family: "IPv6", port: 0 }],
      [["8080"], { address: "::", family: "IPv6", port: 8080 }],
      [[8080, "localhost"], { address: "127.0.0.1", family: "IPv4", port: 8080 }],
      [[{ port: 8080, host: "::1" }], { address: "::1", family: "IPv6", port: 8080 }],
      [["/run/app.sock"], "/run/app.sock"],
      [[{ path: "/run/app.sock" }], "/run/app.sock"],
    ];
    for (const [parameters, address] of spellings) {
      const server = createHttpServer();
      (server.listen as (...parameters: unknown[]) => Server).apply(server, parameters);
      await once(server, "listening");
      assert.deepEqual(server.address(), address);
      server.close();
      await once(server, "close");
    }
  });

  it("takes an HTTPS server too", async () => {
    const server = createHttpsServer({});
    server.listen(8443);
    await once(server, "listening");
    assert.equal(await takeover.taken, server);
    server.close();
  });

  it("absorbs a further server on the same port, and leaves one on another port alone", async () => {
    const [first, same, other] = [createHttpServer(), createHttpServer(), createHttpServer()];
    first.listen(3000, "127.0.0.1");
    same.listen(3000, "::1");
    await once(same, "listening");
    assert.equal((same.address() as AddressInfo).port, 3000);
    assert.equal(await takeover.taken, first);
    first.on("request", (_request, response) => response.end("first"));
    other.on("request", (_request, response) => response.end("other"));
    // Another address than the one asked for by the first: a real one, chosen by the system.
    other.listen({ port: 0, host: "127.0.0.1" });
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    assert.notEqual(port, 0);
    const [response] = await once(get({ port, host: "127.0.0.1", agent: false }), "response");
    response.resume();
    await once(response, "end");
    for (const server of [first, same, other]) server.close();
  });

  it("leaves servers of other protocols alone", async () => {
    const server = createNetServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    assert.notEqual((server.address() as AddressInfo).port, 0);
    server.close();
    await once(server, "close");
  });

  it("says when the application closes the server that was taken", async () => {
    const server = createHttpServer();
    server.listen(3000);
    const closed = new Promise<void>((resolve) => {
      takeover.onClose = resolve;
    });
    await once(server, "listening");
    server.close();
    await closed;
  });

  it("throws what node:http throws when a server listens twice", () => {
    const server = createHttpServer();
    server.listen(3000);
    assert.throws(() => server.listen(3000), { code: "ERR_SERVER_ALREADY_LISTEN" });
    server.close();
  });

  it("gives listen back", async () => {
    takeover.end();
    const server = createHttpServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    assert.notEqual((server.address() as AddressInfo).port, 0);
    server.close();
    await once(server, "close");
  });
});
