// SPDX-License-Identifier: Apache-2.0
// What Koa 3 documents, route by route; by app.callback(). The cases are in ../koa.test.ts.
import type { RequestListener } from "node:http";
import { PassThrough, Readable } from "node:stream";
import Koa, { type Context, type Middleware } from "koa";

const app = new Koa({ keys: ["first", "second"] });
app.silent = true;

const set =
  (body: unknown, type?: string): Middleware =>
  (ctx) => {
    if (type !== undefined) ctx.type = type;
    ctx.body = body;
  };

function facts(ctx: Context): void {
  ctx.body = {
    method: ctx.method,
    url: ctx.url,
    path: ctx.path,
    query: ctx.query,
    querystring: ctx.querystring,
    search: ctx.search,
    protocol: ctx.protocol,
    secure: ctx.secure,
    ip: ctx.ip,
    ips: ctx.ips,
    type: ctx.get("content-type"),
    remote: ctx.socket.remoteAddress,
    writable: ctx.writable,
  };
}

async function bodyOf(ctx: Context): Promise<string> {
  let text = "";
  for await (const chunk of ctx.req) text += String(chunk);
  return text;
}

const routes: Readonly<Record<string, Middleware>> = {
  "/string": set("hello"),
  "/html": set("<p>hi</p>"),
  "/buffer": set(Buffer.from("bytes")),
  "/object": set({ a: 1, b: ["ü"] }),
  "/array": set([1, 2]),
  "/typed": set("a { }", "css"),
  "/null": set(null),
  "/empty": set(""),
  "/undefined": () => {},
  "/stream": (ctx) => {
    ctx.body = Readable.from(["one ", "two ", "three"]);
  },
  "/stream-typed": (ctx) => {
    ctx.type = "text";
    ctx.body = Readable.from(["typed"]);
  },
  "/web-stream": (ctx) => {
    ctx.body = new Blob(["web ", "stream"]).stream();
  },
  "/blob": set(new Blob(["blob"])),
  "/response": (ctx) => {
    ctx.body = new Response("from fetch", { status: 201, headers: { "X-Fetch": "yes" } });
  },
  "/through": (ctx) => {
    const through = new PassThrough();
    ctx.body = through;
    through.write("first ");
    setImmediate(() => through.end("second"));
  },
  "/status": (ctx) => {
    ctx.status = 202;
  },
  "/status-body": (ctx) => {
    ctx.status = 203;
    ctx.body = "with a body";
  },
  "/message": (ctx) => {
    ctx.status = 200;
    ctx.message = "Fine";
    ctx.body = "x";
  },
  "/no-content": (ctx) => {
    ctx.status = 204;
    ctx.body = "removed";
  },
  "/fields": (ctx) => {
    ctx.set("X-One", "1");
    ctx.set({ "X-Two": "2", "X-Three": "3" });
    ctx.append("X-Many", "a");
    ctx.append("X-Many", ["b", "c"]);
    ctx.set("X-Gone", "1");
    ctx.remove("X-Gone");
    ctx.vary("Accept");
    ctx.vary("Origin");
    ctx.body = "";
  },
  "/etag": (ctx) => {
    ctx.status = 200;
    ctx.etag = "v1";
    ctx.lastModified = new Date(Date.UTC(2020, 0, 1));
    if (ctx.fresh) ctx.status = 304;
    else ctx.body = "content";
  },
  "/redirect": (ctx) => ctx.redirect("/login"),
  "/redirect-301": (ctx) => {
    ctx.status = 301;
    ctx.redirect("http://example.com/ü");
  },
  "/back": (ctx) => ctx.back("/home"),
  "/attachment": (ctx) => {
    ctx.attachment("plain.txt");
    ctx.body = "x";
  },
  "/cookie": (ctx) => {
    ctx.cookies.set("plain", "1");
    ctx.cookies.set("long", "2", { maxAge: 0, path: "/x", httpOnly: false, sameSite: "strict" });
    ctx.body = ctx.cookies.get("sent") ?? "none";
  },
  "/cookie-signed": (ctx) => {
    ctx.cookies.set("user", "tobi", { signed: true });
    ctx.body = "signed";
  },
  "/cookie-verify": (ctx) => {
    ctx.body = ctx.cookies.get("user", { signed: true }) ?? "forged";
  },
  "/facts": facts,
  "/host": (ctx) => {
    ctx.body = {
      host: ctx.host,
      hostname: ctx.hostname,
      href: ctx.href,
      subdomains: ctx.subdomains,
    };
  },
  "/accepts": (ctx) => {
    ctx.body = [
      ctx.accepts("json", "html"),
      ctx.acceptsEncodings("gzip", "br"),
      ctx.acceptsLanguages("de", "en"),
    ];
  },
  "/is": (ctx) => {
    ctx.body = [ctx.is("json", "urlencoded"), ctx.is("text/*")];
  },
  "/body": async (ctx) => {
    ctx.body = await bodyOf(ctx);
  },
  "/pipe": (ctx) => {
    ctx.type = "application/octet-stream";
    ctx.body = ctx.req;
  },
  "/throw": (ctx) => ctx.throw(418, "teapot"),
  "/throw-403": (ctx) => ctx.throw(403, "not you", { headers: { "X-Why": "because" } }),
  "/throw-500": (ctx) => ctx.throw(500, "secret"),
  "/throw-plain": () => {
    throw new Error("unexpected");
  },
  "/throw-enoent": () => {
    throw Object.assign(new Error("no such file"), { code: "ENOENT" });
  },
  "/throw-async": async () => {
    await new Promise((resolve) => setImmediate(resolve));
    throw Object.assign(new Error("shown"), { status: 400, expose: true });
  },
  "/assert": (ctx) => ctx.assert(ctx.query["ok"] === "1", 401, "log in"),
  "/caught": (ctx) => ctx.throw(409, "conflict"),
  "/raw": (ctx) => {
    ctx.respond = false;
    ctx.res.writeHead(200, { "Content-Type": "text/plain", "X-Raw": "yes" });
    ctx.res.end("raw");
  },
  "/flush": (ctx) => {
    ctx.status = 200;
    ctx.flushHeaders();
    ctx.body = `sent ${ctx.headerSent}`;
  },
  "/order": (ctx) => {
    ctx.body = ctx.state["order"];
  },
  "/rewritten": (ctx) => {
    ctx.body = "rewritten";
  },
};

app.use(async (ctx, next) => {
  const began = process.hrtime();
  await next();
  if (ctx.path === "/order") ctx.set("X-After", String(process.hrtime(began)[0] >= 0));
});
app.use(async (ctx, next) => {
  if (ctx.path === "/old") ctx.path = "/rewritten";
  ctx.state["order"] = ["first"];
  try {
    await next();
  } catch (error) {
    if (ctx.path !== "/caught") throw error;
    ctx.status = (error as { status: number }).status;
    ctx.body = { caught: (error as Error).message };
  }
});
app.use((ctx, next) => {
  (ctx.state["order"] as string[]).push("second");
  return next();
});
app.use((ctx) => routes[ctx.path]?.(ctx, () => Promise.resolve()));

const listener: RequestListener = app.callback();
export default listener;
