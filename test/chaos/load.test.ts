// SPDX-License-Identifier: Apache-2.0
// The clients that judge everything else, asked to judge a server that lies.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Load } from "./load.ts";
import { Random } from "./random.ts";
import { answerOf, type Kind } from "./work.ts";

describe("chaos/load", () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  async function loadOn(listener: RequestListener, mix: readonly Kind[]): Promise<Load> {
    server = createServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/pool`;
    return new Load({ url, name: "t", random: new Random(1), connections: 2, mix });
  }

  /** An honest server, but for one request. */
  function lyingOnce(lie?: RequestListener): RequestListener {
    let lied = lie === undefined;
    return (request, response) => {
      const { searchParams, pathname } = new URL(request.url ?? "", "http://t");
      const id = searchParams.get("id") ?? "";
      if (!lied && id === "t-5") {
        lied = true;
        lie?.(request, response);
      } else if (pathname.endsWith("/post")) request.pipe(response);
      else response.end(answerOf(pathname.endsWith("/get") ? "get" : "stream", id));
    };
  }

  const lies: readonly [string, string, RequestListener][] = [
    ["another's answer", "wrong", (_, response) => response.end(answerOf("get", "t-4"))],
    ["an answer that lacks its end", "wrong", (_, response) => response.end("answer t-")],
    [
      "an answer that is cut off",
      "cut",
      (_, response) => response.write("answer", () => response.destroy()),
    ],
    ["a closed connection", "broken", (request) => request.socket.destroy()],
    ["a refusal", "503", (_, response) => response.writeHead(503).end()],
  ];
  for (const [title, outcome, lie] of lies) {
    it(`sees ${title}`, async () => {
      const load = await loadOn(lyingOnce(lie), ["get"]);
      load.start();
      await load.more(20);
      await load.stop();
      const { right, ...others } = load.outcomes.get;
      assert.deepEqual(others, { [outcome]: 1 });
      assert.equal(right, load.right.length);
      assert.equal(load.failed("get"), 1);
    });
  }

  it("finds nothing wrong with an honest server, of any kind of request", async () => {
    const load = await loadOn(lyingOnce(), ["post", "stream"]);
    load.start();
    load.fault();
    await load.more(4);
    await load.recovered();
    await load.stop();
    assert.equal(load.describeFailures(), "");
    assert.ok(load.recoveryMs > 0);
  });
});

describe("chaos/random", () => {
  it("repeats its choices with the seed, and makes others with another", () => {
    const choices = (seed: number): number[] => {
      const random = new Random(seed);
      return Array.from({ length: 20 }, () => random.below(1000));
    };
    assert.deepEqual(choices(1), choices(1));
    assert.notDeepEqual(choices(1), choices(2));
    assert.ok(
      choices(3).every((choice) => Number.isInteger(choice) && choice >= 0 && choice < 1000),
    );
  });
});
