// SPDX-License-Identifier: Apache-2.0
// What Hono 4 documents, route by route; of fetch shape. The cases are in ../hono.test.ts.
import { Hono } from "hono";
import { basicAuth } from "hono/basic-auth";
import { bodyLimit } from "hono/body-limit";
import { deleteCookie, getCookie, getSignedCookie, setCookie, setSignedCookie } from "hono/cookie";
import { cors } from "hono/cors";
import { etag } from "hono/etag";
import { HTTPException } from "hono/http-exception";
import { poweredBy } from "hono/powered-by";
import { requestId } from "hono/request-id";
import { stream, streamSSE, streamText } from "hono/streaming";

const app: Hono = new Hono();
export default app;

app.get("/text", (c) => c.text("hello"));
app.get("/json", (c) => c.json({ a: 1, b: "ü" }));
app.get("/html", (c) => c.html("<p>hi</p>"));
app.get("/body", (c) => c.body("bytes", 201, { "X-Own": "yes", "Content-Type": "text/x-own" }));
app.get("/buffer", (c) => c.body(new Uint8Array([0, 255, 65]).buffer));
app.get("/empty", (c) => c.body(null));
app.get("/no-content", (c) => c.body(null, 204));
app.get("/not-modified", (c) => c.body(null, 304, { ETag: '"x"' }));
app.get("/teapot", (c) => c.text("teapot", 418));
app.get("/fields", (c) => {
  c.header("X-One", "1");
  c.header("X-Many", "a", { append: true });
  c.header("X-Many", "b", { append: true });
  c.header("Vary", "Accept, Origin");
  return c.text("");
});
app.get(
  "/response",
  () => new Response("plain response", { status: 202, headers: { "X-R": "1" } }),
);
app.get("/form-data", () => {
  const form = new FormData();
  form.set("name", "value");
  return new Response(form);
});
app.get("/blob", () => new Response(new Blob(["blob"], { type: "text/x-blob" })));
app.get("/redirect", (c) => c.redirect("/elsewhere"));
app.get("/redirect-301", (c) => c.redirect("https://example.com/a?b=c", 301));

app.get("/cookie/set", (c) => {
  setCookie(c, "plain", "1");
  setCookie(c, "strict", "2", {
    path: "/x",
    secure: true,
    httpOnly: true,
    maxAge: 60,
    sameSite: "Strict",
  });
  setCookie(c, "__Host-key", "3", { path: "/", secure: true });
  deleteCookie(c, "gone");
  return c.text("set");
});
app.get("/cookie/get", (c) => c.json(getCookie(c)));
app.get("/cookie/sign", async (c) => {
  await setSignedCookie(c, "user", "tobi", "secret");
  return c.text("signed");
});
app.get("/cookie/verify", async (c) => c.json(await getSignedCookie(c, "secret")));

app.all("/request", (c) => {
  const { url, method } = c.req;
  return c.json({
    method,
    path: c.req.path,
    search: new URL(url).search,
    host: new URL(url).host,
    query: c.req.queries(),
    header: c.req.header("x-own") ?? null,
  });
});
app.get("/users/:id", (c) => c.json(c.req.param()));
app.get("/users/:id/:rest{.+}", (c) => c.json(c.req.param()));
app.get("/digits/:n{[0-9]+}", (c) => c.text(c.req.param("n")));
app.get("/optional/:x?", (c) => c.json(c.req.param()));
app.get("/wild/*", (c) => c.text(c.req.path));
app.on(["PUT", "DELETE", "PATCH"], "/on", (c) => c.text(c.req.method));
app.on("PURGE", "/on", (c) => c.text("purged"));
const api = new Hono().basePath("/api");
api.get("/items", (c) => c.json(["item"]));
app.route("/v1", api);

app.post("/body/text", async (c) => c.text(await c.req.text()));
app.post("/body/json", async (c) => c.json(await c.req.json<object>()));
app.post("/body/bytes", async (c) => c.json((await c.req.arrayBuffer()).byteLength));
app.post("/body/blob", async (c) => c.json((await c.req.blob()).size));
app.post("/body/form", async (c) => c.json(await c.req.parseBody({ all: true })));
app.post("/body/upload", async (c) => {
  const { file } = await c.req.parseBody();
  return file instanceof File
    ? c.json({ name: file.name, size: file.size, type: file.type })
    : c.text("no file", 400);
});
app.post("/body/stream", (c) => new Response(c.req.raw.body));
app.post("/body/limited", bodyLimit({ maxSize: 10 }), async (c) => c.text(await c.req.text()));
app.post("/body/unread", (c) => c.text("unread"));

app.get("/stream", (c) =>
  stream(c, async (out) => {
    await out.write(new Uint8Array([97, 98]));
    await out.pipe(new Blob(["cd"]).stream());
  }),
);
app.get("/stream-text", (c) =>
  streamText(c, async (out) => {
    await out.writeln("one");
    await out.sleep(1);
    await out.write("two");
  }),
);
app.get("/events", (c) =>
  streamSSE(c, async (out) => {
    for (const id of ["1", "2", "3"])
      await out.writeSSE({ id, event: "tick", data: `event ${id}` });
  }),
);

app.get("/thrown", () => {
  throw new Error("secret");
});
app.get("/exception", () => {
  throw new HTTPException(401, { message: "log in" });
});
app.get("/exception-response", () => {
  throw new HTTPException(409, {
    res: new Response("own", { status: 409, headers: { "X-E": "1" } }),
  });
});
app.onError((error, c) => {
  if (error instanceof HTTPException) return error.getResponse();
  return c.json({ failed: true }, 500);
});
app.notFound((c) => c.text(`no ${c.req.path}`, 404));

app.use("/etag/*", etag());
app.get("/etag/a", (c) => c.text("tagged"));
app.use(
  "/cors/*",
  cors({ origin: "http://a.example", allowMethods: ["PUT"], maxAge: 60, credentials: true }),
);
app.get("/cors/a", (c) => c.text("crossed"));
app.use("/auth/*", basicAuth({ username: "tobi", password: "ferret" }));
app.get("/auth/a", (c) => c.text("let in"));
app.use("/powered/*", poweredBy(), requestId());
app.get("/powered/a", (c) =>
  c.text(String(c.get("requestId" as never)).length > 0 ? "has an id" : "none"),
);
app.use("/around/*", async (c, next) => {
  c.header("X-Before", "1");
  await next();
  c.res.headers.set("X-After", "2");
});
app.get("/around/a", (c) => c.text("around"));
