// SPDX-License-Identifier: Apache-2.0
// compression with its options. The cases are in ../compression.test.ts.
import { Readable } from "node:stream";
import compression from "compression";
import express, { type Express, type Response } from "express";

const app: Express = express();
export default app;

const LONG = "compress me. ".repeat(1000);

type Flushing = Response & { flush(): void };

app.use("/default", compression());
app.use("/always", compression({ threshold: 0 }));
app.use("/never", compression({ threshold: "1mb" }));
app.use("/level", compression({ level: 1 }));
app.use(
  "/filter",
  compression({
    filter: (req, res) =>
      req.headers["x-no-compression"] === undefined && compression.filter(req, res),
  }),
);
for (const mount of ["/default", "/always", "/never", "/level", "/filter"]) {
  app.get(`${mount}/long`, (_req, res) => void res.type("text").send(LONG));
  app.get(`${mount}/short`, (_req, res) => void res.type("text").send("short"));
}
app.get("/default/json", (_req, res) => void res.json({ long: LONG }));
app.get("/default/image", (_req, res) => void res.type("image/png").send(Buffer.from(LONG)));
app.get(
  "/default/encoded",
  (_req, res) => void res.set("Content-Encoding", "x-own").type("text").send(LONG),
);
app.get(
  "/default/no-transform",
  (_req, res) => void res.set("Cache-Control", "no-transform").type("text").send(LONG),
);
app.get("/default/etag", (_req, res) => void res.set("ETag", '"strong"').type("text").send(LONG));
app.get(
  "/default/vary",
  (_req, res) => void res.set("Vary", "Accept-Encoding").type("text").send(LONG),
);
app.get("/default/pipe", (_req, res) => void Readable.from([LONG, LONG]).pipe(res.type("text")));
app.get("/default/end", (_req, res) => void res.type("text").end(LONG));
app.get("/default/304", (_req, res) => void res.status(304).end());
app.get("/default/204", (_req, res) => void res.status(204).end());
app.get(
  "/default/length",
  (_req, res) => void res.type("text").set("Content-Length", String(LONG.length)).end(LONG),
);
/** Sends an event, and the second when the client asks for it: the first must have reached it by then. */
let next: (() => void) | undefined;
app.get("/default/events", (_req, res) => {
  res.type("text/event-stream").write("data: one\n\n");
  (res as Flushing).flush();
  next = () => res.end("data: two\n\n");
});
app.post("/default/next", (_req, res) => {
  next?.();
  res.end();
});
