// SPDX-License-Identifier: Apache-2.0
// What mod_python's handlers for content do in its test program, as one application with a function for each.
import { createHash, randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { fileResponse } from "../../../ts/index.ts";

type Answer = Response | Promise<Response>;

const sessions = new Set<string>();
const sessionId = /^[0-9a-f-]{36}$/;

/** The cookies of a request, the lines of several Cookie headers together; the first of a name counts. */
function cookiesOf(request: Request): Map<string, string> {
  const pairs = (request.headers.get("Cookie") ?? "").split(/[;,]/).map((each) => each.trim());
  const named = pairs.flatMap((each): [string, string][] => {
    const at = each.indexOf("=");
    return at < 1 ? [] : [[each.slice(0, at), each.slice(at + 1)]];
  });
  return new Map(named.toReversed());
}

const answers: Readonly<Record<string, (request: Request, url: URL) => Answer>> = {
  "/unauthorized": ({ headers }) =>
    headers.get("Authorization") === `Basic ${btoa("spam:eggs")}`
      ? new Response("test ok")
      : new Response(null, { status: 401, headers: { "WWW-Authenticate": "Basic realm=blah" } }),

  "/methods": () => new Response(null, { status: 405, headers: { Allow: "MKWORKSPACE" } }),

  "/url": ({ headers }) =>
    new Response(new URL("/index.html", `http://${headers.get("Host")}`).href),

  "/read": async (request) => new Response(await request.bytes()),

  "/lines": async (request) => {
    const body = Readable.from(request.body ?? []);
    const lines: string[] = [];
    for await (const line of createInterface({ input: body })) lines.push(`${line}\n`);
    return new Response(lines.join(""));
  },

  "/discard": async (request) => {
    for await (const piece of request.body ?? []) {
      return new Response(piece.length > 0 ? "test ok" : "test failed");
    }
    return new Response("test failed");
  },

  "/sendfile": (_request, url) => {
    const { searchParams } = url;
    const path = searchParams.get("path") ?? "";
    const start = searchParams.get("start");
    const end = searchParams.get("end");
    return start === null || end === null
      ? fileResponse(path)
      : fileResponse(path, { start: Number(start), end: Number(end) });
  },

  "/no-cache": () => new Response("test ok", { headers: { Expires: "0", Pragma: "no-cache" } }),

  "/upload": async (request) => {
    const file = (await request.formData()).get("testfile");
    if (!(file instanceof File)) return new Response("no file", { status: 400 });
    return new Response(
      createHash("md5")
        .update(await file.bytes())
        .digest("hex"),
    );
  },

  "/fields": async (request) => Response.json([...(await request.formData())]),

  "/cookies": (request) => {
    const response = new Response("test ok");
    for (const [name, value] of cookiesOf(request)) {
      response.headers.append("Set-Cookie", `${name}=${value}`);
    }
    return response;
  },

  "/session": (request) => {
    const sent = cookiesOf(request).get("sid") ?? "";
    if (sessionId.test(sent) && sessions.has(sent)) return new Response("known");
    const id = randomUUID();
    sessions.add(id);
    return new Response("new", { headers: { "Set-Cookie": `sid=${id}; Path=/path; HttpOnly` } });
  },

  "/status": (_request, url) =>
    new Response("text", { status: Number(url.searchParams.get("code")) }),

  "/gzip": async (request) =>
    new Response(gzipSync(await request.bytes()), { headers: { "Content-Encoding": "gzip" } }),
};

interface Application {
  fetch(request: Request): Answer;
}

const application: Application = {
  fetch: (request) => {
    const url = new URL(request.url);
    const answer = answers[`/${url.pathname.split("/")[2]}`];
    return answer?.(request, url) ?? new Response("no such case", { status: 404 });
  },
};

export default application;
