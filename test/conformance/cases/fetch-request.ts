// SPDX-License-Identifier: Apache-2.0
// Applications of the Web standard: what their Request is. There is no reference: each case says what must be.
import type { Behaviour, ServeFetch } from "../case.ts";

/** Notes values of a request and answers with nothing. */
function note(values: (request: Request) => Record<string, unknown>): ServeFetch {
  return (request, seen) => {
    for (const [name, value] of Object.entries(values(request))) seen(name, value);
    return new Response(null);
  };
}

const json = { method: "POST", headers: ["Content-Type: application/json"], body: '{"a":[1,2]}' };
const form = {
  method: "POST",
  headers: ["Content-Type: application/x-www-form-urlencoded"],
  body: "a=1&b=two+words&a=3",
};
const boundary = "----conformance";
const multipart = {
  method: "POST",
  headers: [`Content-Type: multipart/form-data; boundary=${boundary}`],
  body: [
    `--${boundary}`,
    'Content-Disposition: form-data; name="text"',
    "",
    "words",
    `--${boundary}`,
    'Content-Disposition: form-data; name="file"; filename="a.bin"',
    "Content-Type: application/octet-stream",
    "",
    "\0\u00ffbytes",
    `--${boundary}--`,
    "",
  ].join("\r\n"),
};

const facts: Behaviour[] = [
  {
    name: "Request: method and URL",
    fetch: note(({ method, url }) => ({ method, url })),
    ask: { method: "PUT", target: "/a%20b?c=d&e", headers: ["Content-Length: 0"] },
    expect: {
      seen: [
        ["method", "PUT"],
        ["url", "http://fetch.test/a%20b?c=d&e"],
      ],
    },
  },
  {
    name: "Request: a port in Host is a part of the URL",
    fetch: note(({ url }) => ({ url })),
    ask: { host: "fetch.test:8080", target: "/x" },
    expect: { seen: [["url", "http://fetch.test:8080/x"]] },
  },
  {
    name: "Request: two slashes at the beginning are a path",
    fetch: note(({ url }) => ({ url })),
    ask: { target: "//other.test/x" },
    expect: { seen: [["url", "http://fetch.test//other.test/x"]] },
  },
  {
    name: "Request: dots in the path are resolved, as in any URL",
    fetch: note(({ url }) => ({ url })),
    ask: { target: "/a/../b/./c" },
    expect: { seen: [["url", "http://fetch.test/b/c"]] },
  },
  {
    name: "Request: a Host that is no name of a host is refused",
    fetch: note(({ url }) => ({ url })),
    ask: { host: "fetch.test:notaport" },
    expect: { status: 400 },
  },
  {
    name: "Request: headers",
    fetch: note(({ headers }) => ({
      one: headers.get("X-One"),
      list: headers.get("x-list"),
      none: headers.get("x-none"),
      has: headers.has("x-ONE"),
    })),
    ask: { headers: ["X-One: 1", "X-List: a", "X-List: b"] },
    expect: {
      seen: [
        ["one", "1"],
        ["list", "a, b"],
        ["none", null],
        ["has", true],
      ],
    },
  },
  {
    name: "Request: Cookie lines are joined by semicolons",
    fetch: note(({ headers }) => ({ cookie: headers.get("cookie") })),
    ask: { headers: ["Cookie: a=1", "Cookie: b=2"] },
    expect: { seen: [["cookie", "a=1; b=2"]] },
  },
  {
    name: "Request: a value is latin-1",
    fetch: note(({ headers }) => ({ value: headers.get("x-latin") })),
    ask: { headers: ["X-Latin: caf\u00e9"] },
    expect: { seen: [["value", "caf\u00e9"]] },
  },
  {
    name: "Request: is Node's own class",
    fetch: note((request) => ({ own: request instanceof globalThis.Request })),
    ask: {},
    expect: { seen: [["own", true]] },
  },
  {
    name: "Request: can be cloned and made anew",
    fetch: async (request, seen) => {
      const copy = request.clone();
      const other = new Request(request, { headers: { "X-New": "1" } });
      seen("copy", await copy.text());
      seen("other", [await other.text(), other.headers.get("x-new"), other.method]);
      return new Response(null);
    },
    ask: { method: "POST", body: "hello" },
    expect: {
      seen: [
        ["copy", "hello"],
        ["other", ["hello", "1", "POST"]],
      ],
    },
  },
  {
    name: "Request: TRACE, which the standard forbids, never reaches the application",
    fetch: note(() => ({ served: true })),
    ask: { method: "TRACE" },
    expect: ({ seen }) => {
      if (seen !== undefined) throw new Error("it did");
    },
  },
  {
    name: "Request: over TLS its URL is https",
    fetch: note(({ url }) => ({ url })),
    ask: { target: "/", headers: ["X-Forwarded-Proto: https"] },
    expect: { seen: [["url", "http://fetch.test/"]] },
  },
];

/** Ways to read a body. */
const ways: Readonly<Record<string, [object, (request: Request) => Promise<unknown>, unknown]>> = {
  "text()": [json, (request) => request.text(), '{"a":[1,2]}'],
  "json()": [json, (request) => request.json(), { a: [1, 2] }],
  "arrayBuffer()": [json, async (request) => (await request.arrayBuffer()).byteLength, 11],
  "bytes()": [json, async (request) => (await request.bytes()).length, 11],
  "blob()": [
    json,
    async (request) => {
      const blob = await request.blob();
      return [blob.size, blob.type];
    },
    [11, "application/json"],
  ],
  "formData() of a form": [
    form,
    async (request) => [...(await request.formData()).entries()],
    [
      ["a", "1"],
      ["b", "two words"],
      ["a", "3"],
    ],
  ],
  "formData() of parts": [
    multipart,
    async (request) => {
      const data = await request.formData();
      const file = data.get("file") as File;
      const bytes = Buffer.from(await file.arrayBuffer()).toString("latin1");
      return [data.get("text"), file.name, file.type, bytes];
    },
    ["words", "a.bin", "application/octet-stream", "\0\u00ffbytes"],
  ],
  "its stream": [
    json,
    async (request) => {
      let text = "";
      for await (const piece of request.body ?? []) text += Buffer.from(piece).toString("latin1");
      return text;
    },
    '{"a":[1,2]}',
  ],
  "a TextDecoderStream": [
    json,
    async (request) => {
      let text = "";
      const decoder = new TextDecoderStream() as unknown as ReadableWritablePair<
        string,
        Uint8Array
      >;
      const decoded = request.body?.pipeThrough(decoder);
      for await (const piece of decoded ?? []) text += piece;
      return text;
    },
    '{"a":[1,2]}',
  ],
};

const bodies: Behaviour[] = [
  ...Object.entries(ways).map(
    ([way, [ask, read, value]]): Behaviour => ({
      name: `Request: its body is read by ${way}`,
      fetch: async (request, seen) => {
        seen("value", await read(request));
        seen("used", request.bodyUsed);
        return new Response(null);
      },
      ask: ask as Behaviour["ask"],
      expect: {
        status: 200,
        seen: [
          ["value", value],
          ["used", true],
        ],
      },
    }),
  ),
  {
    name: "Request: GET has no body",
    fetch: note(({ body, bodyUsed }) => ({ body, bodyUsed })),
    ask: {},
    expect: {
      seen: [
        ["body", null],
        ["bodyUsed", false],
      ],
    },
  },
  {
    name: "Request: a chunked body",
    fetch: async (request, seen) => {
      seen("text", await request.text());
      return new Response(null);
    },
    ask: {
      method: "POST",
      headers: ["Transfer-Encoding: chunked"],
      body: "5\r\nhello\r\n5\r\n body\r\n0\r\n\r\n",
    },
    expect: { seen: [["text", "hello body"]] },
  },
  {
    name: "Request: a body comes in pieces, as it is sent",
    fetch: async (request, seen) => {
      for await (const piece of request.body ?? []) seen("piece", piece);
      return new Response(null);
    },
    ask: async (client) => {
      client.send({ method: "POST", headers: ["Transfer-Encoding: chunked"] });
      for (const [at, piece] of ["one", "two"].entries()) {
        client.send(`3\r\n${piece}\r\n`);
        await client.saw("piece", at + 1);
      }
      client.send("0\r\n\r\n");
      await client.answer();
    },
    expect: {
      seen: [
        ["piece", "one"],
        ["piece", "two"],
      ],
    },
  },
  {
    name: "Request: JSON that is none is the application's error",
    fetch: async (request, seen) => {
      try {
        await request.json();
      } catch (error) {
        seen("failed", (error as Error).name);
      }
      return new Response(null, { status: 400 });
    },
    ask: { ...json, body: "{" },
    expect: { status: 400, seen: [["failed", "SyntaxError"]] },
  },
  {
    name: "Request: a body that nobody reads does not keep the answer",
    fetch: () => new Response("unread"),
    ask: { method: "POST", body: "x".repeat(300_000) },
    expect: { status: 200, body: "unread" },
  },
  {
    name: "Request: 100 Continue comes when the body is read",
    fetch: async (request, seen) => {
      seen("text", await request.text());
      return new Response("done");
    },
    ask: async (client) => {
      client.send({ method: "POST", headers: ["Content-Length: 5", "Expect: 100-continue"] });
      client.note("100", await client.until("100 Continue\r\n\r\n"));
      client.send("hello");
      await client.answer();
    },
    expect: { status: 200, body: "done", interim: [100], notes: [["100", true]] },
  },
];

const aborts: Behaviour[] = [
  {
    name: "Request: its signal is not aborted while the client is there",
    fetch: note(({ signal }) => ({ aborted: signal.aborted })),
    ask: {},
    expect: { seen: [["aborted", false]] },
  },
  {
    name: "Request: its signal tells that the client has gone",
    fetch: async (request, seen) => {
      seen("called");
      await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
      seen("aborted", (request.signal.reason as Error).name);
      return new Response("late");
    },
    ask: async (client) => {
      client.send({});
      await client.saw("called");
      client.destroy();
      await client.saw("aborted");
    },
    expect: { seen: ["called", ["aborted", "AbortError"]] },
  },
  {
    name: "Request: a body that is cut is an error",
    fetch: async (request, seen) => {
      try {
        for await (const _piece of request.body ?? []) seen("piece");
        seen("ended");
      } catch (error) {
        seen("failed", (error as Error).name);
      }
      return new Response(null);
    },
    ask: async (client) => {
      client.send({ method: "POST", headers: ["Content-Length: 1000000"], body: "some" });
      await client.saw("piece");
      client.destroy();
      await client.saw("failed");
    },
    expect: { seen: ["piece", ["failed", "AbortError"]] },
  },
  {
    name: "Request: its signal stays quiet when all went well",
    fetch: async (request, seen) => {
      request.signal.addEventListener("abort", () => seen("aborted"));
      await request.text();
      return new Response("well");
    },
    ask: { method: "POST", body: "hello" },
    expect: { status: 200, body: "well", seen: [] },
  },
];

export const fetchRequest: readonly Behaviour[] = [...facts, ...bodies, ...aborts].map((each) => ({
  ...each,
  setup: "fetch",
}));
