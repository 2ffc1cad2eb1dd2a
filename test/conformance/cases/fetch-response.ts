// SPDX-License-Identifier: Apache-2.0
// Applications of the Web standard: what becomes of their Response. There is no reference: each case says what must be.
import type { Behaviour } from "../case.ts";

const bytes = Uint8Array.from([0, 1, 128, 255]);

function streamOf(...pieces: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(pieces);
}

type Body = ConstructorParameters<typeof Response>[0];

/** Bodies of every kind, and what arrives of them. */
const bodies: Readonly<Record<string, [() => Body, string, string | null]>> = {
  "a string": [() => "text é", "text \u00c3\u00a9", "text/plain;charset=UTF-8"],
  "an empty string": [() => "", "", "text/plain;charset=UTF-8"],
  null: [() => null, "", null],
  bytes: [() => bytes, "\0\x01\u0080\u00ff", null],
  "an ArrayBuffer": [() => bytes.buffer, "\0\x01\u0080\u00ff", null],
  "a Blob": [() => new Blob(["blob"], { type: "text/x" }), "blob", "text/x"],
  URLSearchParams: [
    () => new URLSearchParams({ a: "1", b: "two words" }),
    "a=1&b=two+words",
    "application/x-www-form-urlencoded;charset=UTF-8",
  ],
  "a stream": [() => streamOf(Buffer.from("one "), Buffer.from("two")), "one two", null],
  "an empty stream": [() => streamOf(), "", null],
};

const kinds: Behaviour[] = [
  ...Object.entries(bodies).map(
    ([kind, [body, text, type]]): Behaviour => ({
      name: `Response: of ${kind}`,
      fetch: () => new Response(body()),
      ask: {},
      expect: { status: 200, body: text, whole: true, headers: { "content-type": type } },
    }),
  ),
  {
    name: "Response: of FormData",
    fetch: () => {
      const data = new FormData();
      data.append("a", "1");
      data.append("file", new Blob(["bytes"]), "a.bin");
      return new Response(data);
    },
    ask: {},
    expect: ({ answers }) => {
      const { body = "", headers = {} } = answers[0] ?? {};
      const boundary = /boundary=(\S+)/.exec(headers["Content-Type"]?.[0] ?? "")?.[1] ?? "none";
      if (!body.includes(boundary)) throw new Error("no boundary");
      if (!body.includes('name="a"\r\n\r\n1')) throw new Error(body);
      if (!body.includes('filename="a.bin"')) throw new Error(body);
    },
  },
  {
    name: "Response: of an async iterator",
    fetch: () => {
      const pieces = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from("one ");
        yield Buffer.from("two");
      };
      return new Response(pieces() as unknown as Body);
    },
    ask: {},
    expect: { status: 200, body: "one two", whole: true },
  },
  {
    name: "Response.json",
    fetch: () => Response.json({ a: 1 }, { status: 201 }),
    ask: {},
    expect: { status: 201, body: '{"a":1}', headers: { "content-type": "application/json" } },
  },
  {
    name: "Response.redirect",
    fetch: () => Response.redirect("http://fetch.test/elsewhere", 303),
    ask: {},
    expect: { status: 303, headers: { location: "http://fetch.test/elsewhere" } },
  },
  {
    name: "Response: of another fetch's kind, with its own headers",
    fetch: async () => {
      const inner = new Response("inner", { headers: { "X-Inner": "1" } });
      return new Response(inner.body, inner);
    },
    ask: {},
    expect: { body: "inner", headers: { "x-inner": "1" } },
  },
];

const heads: Behaviour[] = [
  {
    name: "Response: status and reason",
    fetch: () => new Response("x", { status: 404, statusText: "Gone Fishing" }),
    ask: {},
    expect: { status: 404, reason: "Gone Fishing" },
  },
  ...[
    [200, "OK"],
    [201, "Created"],
    [404, "Not Found"],
    [413, "Payload Too Large"],
    [418, "I'm a Teapot"],
    [425, "Too Early"],
    [429, "Too Many Requests"],
    [500, "Internal Server Error"],
  ].map(
    ([status, reason]): Behaviour => ({
      name: `Response: ${status} has the reason that node:http gives it`,
      fetch: () => new Response("x", { status: Number(status) }),
      ask: {},
      expect: { status: Number(status), reason: String(reason) },
    }),
  ),
  {
    name: "Response: 599, which has no reason of its own",
    fetch: () => new Response("x", { status: 599 }),
    ask: {},
    expect: { status: 599, body: "x" },
  },
  {
    name: "Response: several Set-Cookie",
    fetch: () => {
      const response = new Response("x");
      response.headers.append("Set-Cookie", "a=1; Path=/");
      response.headers.append("Set-Cookie", "b=2; Expires=Thu, 01 Jan 2026 00:00:00 GMT");
      return response;
    },
    ask: {},
    expect: {
      headers: { "set-cookie": ["a=1; Path=/", "b=2; Expires=Thu, 01 Jan 2026 00:00:00 GMT"] },
    },
  },
  {
    name: "Response: a field that was appended twice is one line",
    fetch: () => {
      const response = new Response("x");
      response.headers.append("X-List", "a");
      response.headers.append("X-List", "b");
      return response;
    },
    ask: {},
    expect: { headers: { "x-list": "a, b" } },
  },
  {
    name: "Response: Content-Length of the application",
    fetch: () => new Response("12345", { headers: { "Content-Length": "5" } }),
    ask: {},
    expect: { body: "12345", headers: { "content-length": "5" } },
  },
  {
    name: "Response: fields of the connection are not sent",
    fetch: () =>
      new Response("x", { headers: { "Keep-Alive": "timeout=1", "X-One": "1", Upgrade: "h2c" } }),
    ask: {},
    expect: { headers: { "x-one": "1", upgrade: null, "keep-alive": null } },
  },
  {
    name: "Response: to HEAD, without its body",
    fetch: () => new Response("body", { headers: { "X-One": "1", "Content-Length": "4" } }),
    ask: { method: "HEAD" },
    expect: { status: 200, body: "", headers: { "x-one": "1", "content-length": "4" } },
  },
  {
    name: "Response: to HEAD, its stream is cancelled",
    fetch: (_, seen) =>
      new Response(
        new ReadableStream({
          cancel: () => {
            seen("cancelled");
          },
        }),
      ),
    ask: async (client) => {
      await client.ask({ method: "HEAD" });
      await client.saw("cancelled");
    },
    expect: { status: 200, body: "", seen: ["cancelled"] },
  },
  {
    name: "Response: 204",
    fetch: () => new Response(null, { status: 204, headers: { "X-One": "1" } }),
    ask: {},
    expect: { status: 204, body: "", headers: { "x-one": "1", "content-length": null } },
  },
  {
    name: "Response: 304",
    fetch: () => new Response(null, { status: 304, headers: { ETag: '"a"' } }),
    ask: {},
    expect: { status: 304, body: "", headers: { etag: '"a"' } },
  },
  {
    name: "Response: a Range that the application does not look at",
    fetch: () => new Response("0123456789"),
    ask: { headers: ["Range: bytes=2-4"] },
    expect: { status: 200, body: "0123456789" },
  },
];

const streams: Behaviour[] = [
  {
    name: "Response: pieces of a stream are sent as they come",
    fetch: (_, seen) => {
      const pieces = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from("first ");
        await seen.signal("came");
        yield Buffer.from("second");
      };
      return new Response(ReadableStream.from(pieces()));
    },
    ask: async (client) => {
      client.send({});
      client.note("first", await client.until("first "));
      client.signal("came");
      await client.answer();
    },
    expect: { body: "first second", whole: true, notes: [["first", true]] },
  },
  {
    name: "Response: the head comes before the first piece",
    fetch: (_, seen) => {
      const pieces = async function* (): AsyncGenerator<Uint8Array> {
        await seen.signal("head");
        yield Buffer.from("body");
      };
      return new Response(ReadableStream.from(pieces()), { headers: { "X-One": "1" } });
    },
    ask: async (client) => {
      client.send({});
      client.note("head", await client.until("x-one: 1"));
      client.signal("head");
      await client.answer();
    },
    expect: { body: "body", notes: [["head", true]] },
  },
  {
    name: "Response: the request's body as the answer's",
    fetch: (request) => new Response(request.body),
    ask: { method: "POST", body: "0123456789".repeat(30_000) },
    expect: ({ answers }) => {
      if (answers[0]?.bodyBytes !== 300_000 || !answers[0].whole) throw new Error("cut");
    },
  },
  {
    name: "Response: an echo through a TransformStream",
    fetch: (request) => {
      const upper = new TransformStream<Uint8Array, Uint8Array>({
        transform: (piece, controller) => {
          controller.enqueue(Buffer.from(Buffer.from(piece).toString("latin1").toUpperCase()));
        },
      });
      return new Response(request.body?.pipeThrough(upper) ?? null);
    },
    ask: { method: "POST", body: "shout" },
    expect: { status: 200, body: "SHOUT" },
  },
  {
    name: "Response: a stream is not read ahead of a client that does not read",
    fetch: (_, seen) => {
      let sent = 0;
      const piece = new Uint8Array(65_536);
      let timer: NodeJS.Timeout | undefined;
      const stream = new ReadableStream<Uint8Array>(
        {
          pull: (controller) => {
            sent += 1;
            clearTimeout(timer);
            timer = setTimeout(() => seen("waits", sent < 1000), 200);
            if (sent === 1000) controller.close();
            else controller.enqueue(piece);
          },
          cancel: () => clearTimeout(timer),
        },
        { highWaterMark: 0 },
      );
      return new Response(stream);
    },
    ask: async (client) => {
      client.send({});
      client.pause();
      await client.saw("waits");
      client.destroy();
    },
    expect: { seen: [["waits", true]] },
  },
  {
    name: "Response: its stream is cancelled when the client leaves",
    fetch: (_, seen) =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(Buffer.from("begun")),
          cancel: (reason) => {
            seen("cancelled", (reason as Error).name);
          },
        }),
      ),
    ask: async (client) => {
      client.send({});
      await client.until("begun");
      client.destroy();
      await client.saw("cancelled");
    },
    expect: { seen: [["cancelled", "AbortError"]] },
  },
];

const failures: Behaviour[] = [
  {
    name: "fetch: one that throws is a 500 that says nothing of why",
    fetch: () => {
      throw new Error("secret");
    },
    ask: {},
    expect: ({ answers }) => {
      if (answers[0]?.status !== 500) throw new Error(`status ${answers[0]?.status}`);
      if (answers[0].body.includes("secret")) throw new Error("tells why");
    },
  },
  {
    name: "fetch: one that rejects is a 500",
    fetch: async () => Promise.reject(new Error("secret")),
    ask: {},
    expect: { status: 500 },
  },
  {
    name: "fetch: one that gives nothing is a 500",
    fetch: () => undefined as unknown as Response,
    ask: {},
    expect: { status: 500 },
  },
  {
    name: "fetch: one that gives no Response is a 500",
    fetch: () => ({ status: 200, body: "not one" }) as unknown as Response,
    ask: {},
    expect: { status: 500 },
  },
  {
    name: "fetch: a Response whose body was used is a 500",
    fetch: async () => {
      const response = new Response("used");
      await response.text();
      return response;
    },
    ask: {},
    expect: { status: 500 },
  },
  {
    name: "fetch: Response.error() is a 500",
    fetch: () => Response.error(),
    ask: {},
    expect: { status: 500 },
  },
  {
    name: "fetch: a stream that fails at once is a 500",
    fetch: () =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.error(new Error("secret")),
        }),
      ),
    ask: {},
    expect: { status: 500 },
  },
  {
    name: "fetch: a stream that fails on the way never looks whole",
    fetch: (_, seen) => {
      const pieces = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from("begun");
        await seen.signal("fail");
        throw new Error("on the way");
      };
      return new Response(ReadableStream.from(pieces()));
    },
    ask: async (client) => {
      client.send({});
      await client.until("begun");
      client.signal("fail");
      await client.answer();
    },
    expect: { status: 200, body: "begun", whole: false },
  },
  {
    name: "fetch: a stream of what is no bytes never looks whole",
    fetch: (_, seen) => {
      const pieces = async function* (): AsyncGenerator<unknown> {
        yield Buffer.from("begun");
        await seen.signal("go");
        yield "text";
      };
      return new Response(ReadableStream.from(pieces()) as ReadableStream<Uint8Array>);
    },
    ask: async (client) => {
      client.send({});
      await client.until("begun");
      client.signal("go");
      await client.answer();
    },
    expect: { body: "begun", whole: false },
  },
  {
    name: "fetch: the next request after a failure is served",
    fetch: (request) => {
      if (request.url.endsWith("/second")) return new Response("served");
      throw new Error("first");
    },
    ask: async (client) => {
      await client.ask({ target: "/first" });
      client.anotherConnection();
      client.note("second", (await client.ask({ target: "/second" })).body);
    },
    expect: { status: 500, notes: [["second", "served"]] },
  },
];

export const fetchResponse: readonly Behaviour[] = [
  ...kinds,
  ...heads,
  ...streams,
  ...failures,
].map((each) => ({ ...each, setup: "fetch" }));
