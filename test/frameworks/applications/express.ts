// SPDX-License-Identifier: Apache-2.0
// What Express 5 documents, route by route. The cases are in ../express.test.ts.
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import express, { type Express, type NextFunction, type Request, type Response } from "express";

const files = fileURLToPath(new URL("files", import.meta.url));
const app: Express = express();
export default app;

app.use("/files", express.static(files));
app.use(
  "/files-strict",
  express.static(files, { dotfiles: "deny", fallthrough: false, index: false, redirect: false }),
);
app.use(
  "/files-open",
  express.static(files, {
    dotfiles: "allow",
    etag: false,
    lastModified: false,
    maxAge: "1h",
    immutable: true,
    extensions: ["html"],
  }),
);

// res.send and its like
app.get("/send/string", (_req, res) => void res.send("hello"));
app.get("/send/html", (_req, res) => void res.send("<p>ünï</p>"));
app.get("/send/buffer", (_req, res) => void res.send(Buffer.from([0, 1, 254, 255])));
app.get("/send/uint8", (_req, res) => void res.send(new Uint8Array([65, 66])));
app.get("/send/object", (_req, res) => void res.send({ a: 1 }));
app.get("/send/array", (_req, res) => void res.send([1, 2]));
app.get("/send/null", (_req, res) => void res.send(null));
app.get("/send/true", (_req, res) => void res.send(true));
app.get("/send/empty", (_req, res) => void res.send(""));
app.get("/send/undefined", (_req, res) => void res.send());
app.get("/send/typed", (_req, res) => void res.type("text/plain").send("typed"));
app.get("/send/204", (_req, res) => void res.status(204).send("never seen"));
app.get("/send/205", (_req, res) => void res.status(205).send("never seen"));
app.get("/send/304", (_req, res) => void res.status(304).send("never seen"));
app.get("/send/etag", (_req, res) => void res.set("ETag", '"mine"').send("own etag"));
app.get("/send/large", (_req, res) => void res.send("x".repeat(200_000)));
app.get("/send/status", (_req, res) => void res.sendStatus(418));
app.get("/send/status-404", (_req, res) => void res.sendStatus(404));
app.get("/send/end", (_req, res) => void res.status(201).end("ended"));
app.get("/send/write", (_req, res) => {
  res.write("one ");
  res.write("two ");
  res.end("three");
});
app.get("/send/stream", (_req, res) => void Readable.from(["a", "b", "c"]).pipe(res));
app.get("/send/reason", (_req, res) => {
  res.statusMessage = "As You Like It";
  res.status(299).send("x");
});
app.get("/json/object", (_req, res) => void res.json({ a: { b: [1, null, "ü"] } }));
app.get("/json/null", (_req, res) => void res.json(null));
app.get("/json/string", (_req, res) => void res.json("text"));
app.get("/json/number", (_req, res) => void res.json(12));
app.get("/json/typed", (_req, res) => void res.type("application/vnd.api+json").json({}));
app.get("/json/status", (_req, res) => void res.status(422).json({ error: "no" }));
app.get("/jsonp", (_req, res) => void res.jsonp({ a: "</script>\u2028" }));

// Fields of the answer
app.get(
  "/fields/set",
  (_req, res) => void res.set("X-One", "1").set({ "X-Two": "2", "X-Three": "3" }).send(""),
);
app.get("/fields/array", (_req, res) => void res.set("X-Many", ["a", "b"]).send(""));
app.get("/fields/append", (_req, res) => {
  res
    .append("Link", "</a>")
    .append("Link", "</b>")
    .append("Set-Cookie", "a=1")
    .append("Set-Cookie", "b=2")
    .send("");
});
app.get("/fields/get", (_req, res) => void res.type("json").send(`"${res.get("content-type")}"`));
app.get(
  "/fields/type/:type",
  (req, res) => void res.type(req.params.type.replace("-", "/")).send("x"),
);
app.get("/fields/links", (_req, res) => void res.links({ next: "/n", last: "/l" }).send(""));
app.get(
  "/fields/vary",
  (_req, res) => void res.vary("Accept").vary("accept").vary("Cookie, Origin").send(""),
);
app.get("/fields/vary-all", (_req, res) => void res.vary("Accept").vary("*").send(""));
app.get("/fields/location", (_req, res) => void res.location("/ü?a=b c").send(""));
app.get("/fields/latin1", (_req, res) => void res.set("X-Latin", "caf\u00e9").send(""));
app.get("/fields/invalid", (_req, res) => void res.set("X-Bad", "a\r\nX-Injected: 1").send(""));
app.get("/fields/removed", (_req, res) => {
  res.set("X-Gone", "1");
  res.removeHeader("x-gone");
  res.removeHeader("x-powered-by");
  res.send("");
});
app.get("/fields/sent", (_req, res) => {
  res.flushHeaders();
  res.end(JSON.stringify({ sent: res.headersSent }));
});

// Cookies
app.get("/cookie/set", (_req, res) => void res.cookie("name", "tobi").send(""));
app.get("/cookie/options", (_req, res) => {
  const options = {
    httpOnly: true,
    secure: true,
    path: "/admin",
    domain: ".example.com",
    sameSite: "lax",
  } as const;
  res.cookie("name", "tobi", options).send("");
});
app.get(
  "/cookie/max-age",
  (_req, res) => void res.cookie("name", "tobi", { maxAge: 1000 }).send(""),
);
app.get(
  "/cookie/expires",
  (_req, res) => void res.cookie("name", "x", { expires: new Date(0) }).send(""),
);
app.get("/cookie/object", (_req, res) => void res.cookie("user", { name: "tobi" }).send(""));
app.get("/cookie/encode", (_req, res) => void res.cookie("name", "a b;c").send(""));
app.get(
  "/cookie/many",
  (_req, res) => void res.cookie("a", "1").cookie("b", "2").clearCookie("c").send(""),
);
app.get(
  "/cookie/priority",
  (_req, res) => void res.cookie("a", "1", { priority: "high", partitioned: true }).send(""),
);

// Redirects
app.get("/redirect/plain", (_req, res) => void res.redirect("/elsewhere"));
app.get("/redirect/301", (_req, res) => void res.redirect(301, "http://example.com/a?b=c"));
app.get("/redirect/relative", (_req, res) => void res.redirect("../login"));
app.get("/redirect/encoded", (_req, res) => void res.redirect("/\u2603 & <more>"));

// Negotiation
app.get("/format", (_req, res) => {
  res.format({
    "text/plain": () => res.send("plain"),
    "text/html": () => res.send("<b>html</b>"),
    json: () => res.send({ format: "json" }),
  });
});
app.get("/format/default", (_req, res) => {
  res.format({
    html: () => res.send("html"),
    default: () => res.status(406).send("none of these"),
  });
});
app.get("/accepts", (req, res) => {
  res.json({
    accepts: req.accepts(["json", "html"]),
    charset: req.acceptsCharsets(["utf-8", "iso-8859-1"]),
    encoding: req.acceptsEncodings(["gzip", "br"]),
    language: req.acceptsLanguages(["de", "en"]),
  });
});
app.post("/is", (req, res) => {
  res.json([
    req.is("json"),
    req.is("text/*"),
    req.is(["html", "application/*"]),
    req.is("urlencoded"),
  ]);
});

// Files
app.get("/file/plain", (_req, res) => void res.sendFile("hello.txt", { root: files }));
app.get("/file/options", (_req, res) => {
  res.sendFile("hello.txt", {
    root: files,
    maxAge: 5000,
    headers: { "X-File": "yes" },
    lastModified: false,
    etag: false,
  });
});
app.get(
  "/file/no-range",
  (_req, res) => void res.sendFile("hello.txt", { root: files, acceptRanges: false }),
);
app.get("/file/hidden", (_req, res) => void res.sendFile(".hidden", { root: files }));
app.get("/file/missing", (_req, res) => void res.sendFile("missing.txt", { root: files }));
app.get("/file/outside", (_req, res) => void res.sendFile("../express.ts", { root: files }));
app.get("/file/callback", (_req, res) => {
  res.sendFile("missing.txt", { root: files }, (error) => {
    if (error) res.status(404).send(`callback: ${(error as NodeJS.ErrnoException).code}`);
  });
});
app.get("/file/attachment", (_req, res) => void res.attachment("räport.json").send("{}"));
app.get("/file/attachment-bare", (_req, res) => void res.attachment().send("x"));
app.get("/file/download", (_req, res) => void res.download(`${files}/hello.txt`));
app.get(
  "/file/download-named",
  (_req, res) => void res.download(`${files}/data.json`, "named.json"),
);

// The request
app.all("/request{/*rest}", (req, res) => {
  res.json({
    method: req.method,
    url: req.url,
    path: req.path,
    query: req.query,
    protocol: req.protocol,
    secure: req.secure,
    hostname: req.hostname,
    ip: req.ip,
    ips: req.ips,
    subdomains: req.subdomains,
    xhr: req.xhr,
    custom: req.get("x-custom") ?? null,
    referrer: req.get("Referrer") ?? null,
    version: req.httpVersion,
    stale: req.stale,
  });
});
app.get("/fresh", (req, res) => {
  res.set("ETag", '"v1"');
  res.set("X-Fresh", String(req.fresh));
  res.send("content");
});
app.get("/range", (req, res) => void res.json(req.range(1000) ?? null));
app.get("/cookies", (req, res) => void res.json(req.headers.cookie ?? null));
app.get("/signal", (req, res) => void res.json({ aborted: req.destroyed, complete: req.complete }));
app.post("/echo", (req, res) => void req.pipe(res));
app.post("/length", (req, res) => {
  let length = 0;
  req.on("data", (chunk: Buffer) => {
    length += chunk.length;
  });
  req.on("end", () => res.json({ length }));
});

// Routing
app.get("/users/:id", (req, res) => void res.json(req.params));
app.get("/users/:id/books/:book", (req, res) => void res.json(req.params));
app.get("/optional{/:part}", (req, res) => void res.json(req.params));
app.get("/wild/*path", (req, res) => void res.json(req.params));
app.get(/^\/regexp\/(\d+)$/, (req, res) => void res.json(req.params));
app.get(["/one-of", "/two-of"], (req, res) => void res.send(req.path));
app.param("numeric", (req, _res, next, value) => {
  (req as Request & { found?: string }).found = `found ${value}`;
  next();
});
app.get(
  "/param/:numeric",
  (req, res) => void res.send((req as Request & { found?: string }).found),
);
app
  .route("/book")
  .get((_req, res) => void res.send("get a book"))
  .post((_req, res) => void res.send("add a book"))
  .put((_req, res) => void res.send("update the book"));
app.all("/all", (req, res) => void res.send(req.method));
app.get("/head-only", (_req, res) => void res.set("X-Get", "yes").send("body of get"));
app.head("/own-head", (_req, res) => void res.set("X-Head", "own").end());
app.get("/own-head", (_req, res) => void res.send("get"));
for (const method of [
  "patch",
  "delete",
  "options",
  "propfind",
  "report",
  "purge",
  "search",
  "lock",
  "mkcol",
] as const) {
  app[method]("/method", (req, res) => void res.send(req.method));
}
app.get("/Case", (_req, res) => void res.send("insensitive"));
app.get(
  "/next",
  (_req, _res, next) => next("route"),
  (_req, res) => void res.send("skipped"),
);
app.get("/next", (_req, res) => void res.send("next route"));

// Middleware
const order: express.RequestHandler[] = ["a", "b", "c"].map((name) => (_req, res, next) => {
  res.locals["order"] = [...((res.locals["order"] as string[] | undefined) ?? []), name];
  next();
});
app.get("/order", order, (_req: Request, res: Response) => void res.json(res.locals["order"]));

// Mounts, routers, sub-applications
const admin = express();
admin.get(
  "/",
  (req, res) =>
    void res.json({
      mount: admin.mountpath,
      base: req.baseUrl,
      url: req.url,
      original: req.originalUrl,
    }),
);
admin.get(
  "/deep/:x",
  (req, res) => void res.json({ path: admin.path(), base: req.baseUrl, params: req.params }),
);
app.use("/admin", admin);
const router = express.Router({ mergeParams: true });
router.get("/item", (req, res) => void res.json({ base: req.baseUrl, params: req.params }));
router.use((_req, res) => void res.status(404).send("of the router"));
app.use("/shop/:shop", router);
const strict = express.Router({ strict: true, caseSensitive: true });
strict.get("/Exact/", (_req, res) => void res.send("exact"));
app.use("/strict", strict);

// Settings
function setting(
  path: string,
  name: string,
  value: unknown,
  handler: express.RequestHandler,
): void {
  const own = express();
  own.set(name, value);
  own.get("/", handler);
  app.use(path, own);
}
setting("/setting/no-etag", "etag", false, (_req, res) => void res.send("body"));
setting("/setting/strong-etag", "etag", "strong", (_req, res) => void res.send("body"));
setting(
  "/setting/own-etag",
  "etag",
  () => '"own"',
  (_req, res) => void res.send("body"),
);
setting("/setting/powered", "x-powered-by", false, (_req, res) => void res.send("body"));
setting("/setting/spaces", "json spaces", 2, (_req, res) => void res.json({ a: 1 }));
setting(
  "/setting/replacer",
  "json replacer",
  (key: string, value: unknown) => (key === "b" ? undefined : value),
  (_req, res) => void res.json({ a: 1, b: 2 }),
);
setting("/setting/escape", "json escape", true, (_req, res) => void res.json({ a: "<&>" }));
setting("/setting/callback", "jsonp callback name", "cb", (_req, res) => void res.jsonp({ a: 1 }));
setting("/setting/query", "query parser", "extended", (req, res) => void res.json(req.query));
setting("/setting/no-query", "query parser", false, (req, res) => void res.json(req.query));
const facts: express.RequestHandler = (req, res) => {
  res.json({
    ip: req.ip,
    ips: req.ips,
    protocol: req.protocol,
    hostname: req.hostname,
    secure: req.secure,
  });
};
setting("/setting/trust", "trust proxy", true, facts);
setting("/setting/trust-one", "trust proxy", 1, facts);
setting("/setting/trust-loopback", "trust proxy", "loopback", facts);
setting("/setting/trust-none", "trust proxy", false, facts);

// Body parsers that Express brings
app.post("/body/json", express.json(), (req, res) => void res.json(req.body as unknown));
app.post(
  "/body/form",
  express.urlencoded({ extended: true }),
  (req, res) => void res.json(req.body as unknown),
);
app.post("/body/text", express.text(), (req, res) => void res.send(req.body as string));
app.post(
  "/body/raw",
  express.raw({ limit: "1kb" }),
  (req, res) => void res.json((req.body as Buffer).length),
);

// Errors
app.get("/error/thrown", () => {
  throw new Error("thrown");
});
app.get("/error/next", (_req, _res, next) =>
  next(Object.assign(new Error("teapot"), { status: 418 })),
);
app.get("/error/async", async () => {
  await Promise.resolve();
  throw new Error("rejected");
});
app.get("/error/headers", (_req, _res, next) => {
  next(Object.assign(new Error("wait"), { status: 429, headers: { "Retry-After": "7" } }));
});
app.get("/error/handled", (_req, _res, next) => next(new Error("handled")));
app.get("/error/params/%zz", (_req, res) => void res.send("never"));
app.use("/error/handled", (error: Error, _req: Request, res: Response, _next: NextFunction) => {
  res.status(503).json({ error: error.message });
});
