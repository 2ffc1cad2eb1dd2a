// SPDX-License-Identifier: Apache-2.0
// A client that goes away, and what the application hears of it.
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Behaviour, Seen, Serve } from "../case.ts";
import { watch } from "./helpers.ts";

function watchBoth(request: IncomingMessage, response: ServerResponse, seen: Seen): void {
  watch(request, ["aborted", "end", "error", "close"], seen, "request ");
  watch(response, ["finish", "error", "close"], seen, "response ");
}

function state(request: IncomingMessage, response: ServerResponse, seen: Seen): void {
  seen("request", [request.aborted, request.destroyed, request.complete]);
  seen("response", [response.destroyed, response.writableEnded, response.writableFinished]);
}

/** Hears of the client and answers nothing. */
const silent: Serve = async (request, response, seen) => {
  watchBoth(request, response, seen);
  seen("called");
  await once(response, "close");
  state(request, response, seen);
};

/** Begins an answer and leaves it open. */
const begun: Serve = async (request, response, seen) => {
  watchBoth(request, response, seen);
  response.write("begun");
  seen("called");
  await once(response, "close");
  state(request, response, seen);
};

const reading: Serve = async (request, response, seen) => {
  watchBoth(request, response, seen);
  request.once("data", () => seen("called"));
  await once(response, "close");
  state(request, response, seen);
};

const gone = ["request aborted", "request error", "request close", "response close"];

function leaves(
  name: string,
  serve: Serve,
  ask: Extract<Behaviour["ask"], (...parameters: never) => unknown>,
): Behaviour {
  return {
    name,
    serve,
    ask,
    expect: ({ seen }) => {
      const names = (seen ?? []).map((each) => (Array.isArray(each) ? each[0] : each));
      for (const event of gone.filter((each) => each !== "request error")) {
        if (!names.includes(event)) throw new Error(`no '${event}' in ${JSON.stringify(seen)}`);
      }
    },
  };
}

/** How long an application waits for word of a client that has left, ms. */
const TOLD_MS = 3000;

const post = { method: "POST", headers: ["Content-Length: 1000000"], body: "some" } as const;

export const requestAbort: readonly Behaviour[] = [
  leaves("abort: a client that leaves before the answer", silent, async (client) => {
    client.send({});
    await client.saw("called");
    client.destroy();
  }),
  leaves("abort: a client that resets before the answer", silent, async (client) => {
    client.send({});
    await client.saw("called");
    client.reset();
  }),
  leaves("abort: a client that leaves in the middle of the answer", begun, async (client) => {
    client.send({});
    await client.saw("called");
    await client.until("begun");
    client.destroy();
  }),
  leaves("abort: a client that resets in the middle of the answer", begun, async (client) => {
    client.send({});
    await client.saw("called");
    await client.until("begun");
    client.reset();
  }),
  leaves("abort: a client that leaves in the middle of its body", reading, async (client) => {
    client.send(post);
    await client.saw("called");
    client.destroy();
  }),
  leaves(
    "abort: a client that leaves in the middle of a body that nobody reads",
    silent,
    async (client) => {
      client.send(post);
      await client.saw("called");
      client.destroy();
    },
  ),
  {
    name: "abort: a client that leaves in the middle of a small body that nobody reads is told at once",
    serve: async (_, response, seen) => {
      seen("called");
      const closed = once(response, "close").then(() => true);
      seen("told", await Promise.race([closed, delay(TOLD_MS, false)]));
      response.end();
    },
    ask: async (client) => {
      client.send({ method: "POST", headers: ["Content-Length: 1000"], body: "some" });
      await client.saw("called");
      client.destroy();
      await client.saw("told");
    },
    expect: { seen: ["called", ["told", true]] },
  },
  leaves(
    "abort: a client that resets in the middle of a small body that nobody reads",
    silent,
    async (client) => {
      client.send({ method: "POST", headers: ["Content-Length: 1000"], body: "some" });
      await client.saw("called");
      client.reset();
    },
  ),
  leaves("abort: a client that leaves in the middle of a chunk", reading, async (client) => {
    client.send({
      method: "POST",
      headers: ["Transfer-Encoding: chunked"],
      body: "64\r\nhalf a chunk",
    });
    await client.saw("called");
    client.destroy();
  }),
  {
    name: "abort: a body that is cut ends its async iteration with ECONNRESET",
    serve: async (request, _, seen) => {
      try {
        for await (const _piece of request) seen("piece");
        seen("ended");
      } catch (error) {
        seen("failed", error);
      }
      seen("complete", request.complete);
    },
    ask: async (client) => {
      client.send(post);
      await client.saw("piece");
      client.destroy();
    },
    expect: { seen: ["piece", ["failed", "ECONNRESET"], ["complete", false]] },
  },
  {
    name: "abort: a write after the client has left is no error",
    serve: async (_, response, seen) => {
      watch(response, ["error", "finish"], seen);
      response.write("begun");
      seen("called");
      await once(response, "close");
      seen.attempt("write", () => response.write("more"));
      seen.attempt("end", () => response.end());
      await new Promise((resolve) => setTimeout(resolve, 20));
    },
    ask: async (client) => {
      client.send({});
      await client.saw("called");
      client.destroy();
    },
    expect: ({ seen }) => {
      if (!JSON.stringify(seen).includes('["write","no error"]')) throw new Error("it threw");
    },
  },
  {
    name: "abort: the callback of a write after the client has left gets an error",
    serve: async (_, response, seen) => {
      response.on("error", (error) => seen("error", error));
      response.write("begun");
      seen("called");
      await once(response, "close");
      await new Promise<void>((resolve) => {
        response.write("more", (error) => {
          seen("callback", error ?? "none");
          resolve();
        });
      });
    },
    ask: async (client) => {
      client.send({});
      await client.saw("called");
      client.destroy();
    },
    expect: ({ seen }) => {
      if (!JSON.stringify(seen).includes('"callback"')) throw new Error("was never called");
    },
  },
  {
    name: "abort: a client that leaves behind its answer is no abort",
    serve: async (request, response, seen) => {
      watch(request, ["aborted", "error"], seen);
      response.end("all");
      await once(response, "close");
      seen("aborted?", request.aborted);
    },
    ask: async (client) => {
      await client.ask({});
      client.destroy();
    },
    expect: { status: 200, seen: [["aborted?", false]] },
  },
  {
    name: "abort: the next client is served",
    serve: async (request, response, seen) => {
      if (request.url === "/second") {
        response.end("served");
        return;
      }
      seen("called");
      await once(response, "close");
      seen("gone");
    },
    ask: async (client) => {
      client.send({});
      await client.saw("called");
      client.destroy();
      await client.saw("gone");
      client.anotherConnection();
      await client.ask({ target: "/second" });
    },
    expect: { status: 200, body: "served", seen: ["called", "gone"] },
  },
  {
    name: "abort: the socket says that it is closed",
    serve: async (request, response, seen) => {
      const { socket } = request;
      socket.on("close", () => seen("socket close"));
      seen("called");
      await once(response, "close");
      seen("destroyed", socket.destroyed);
      if (socket.listenerCount("close") > 0) await new Promise((resolve) => setImmediate(resolve));
    },
    ask: async (client) => {
      client.send({});
      await client.saw("called");
      client.destroy();
      await client.saw("socket close");
    },
    expect: ({ seen }) => {
      const text = JSON.stringify(seen);
      if (!text.includes("socket close") || !text.includes('["destroyed",true]')) {
        throw new Error(text);
      }
    },
  },
];
