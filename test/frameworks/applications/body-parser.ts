// SPDX-License-Identifier: Apache-2.0
// body-parser's four parsers with their options. The cases are in ../body-parser.test.ts.
import bodyParser from "body-parser";
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from "express";

const app: Express = express();
export default app;

const echo: RequestHandler = (req, res) => {
  const body: unknown = req.body;
  if (body === undefined) res.send("no body");
  else if (Buffer.isBuffer(body)) res.json({ buffer: body.toString("latin1") });
  else res.json({ body });
};
const verify = (_req: unknown, _res: unknown, bytes: Buffer, encoding: string): void => {
  if (bytes[0] === 0x20)
    throw Object.assign(new Error(`no leading space, ${encoding}`), { status: 422 });
};

app.post("/json", bodyParser.json(), echo);
app.post("/json/loose", bodyParser.json({ strict: false }), echo);
app.post("/json/limit", bodyParser.json({ limit: 20 }), echo);
app.post("/json/still", bodyParser.json({ inflate: false }), echo);
app.post("/json/type", bodyParser.json({ type: "application/*+json" }), echo);
app.post("/json/any", bodyParser.json({ type: () => true }), echo);
app.post(
  "/json/reviver",
  bodyParser.json({ reviver: (_key: string, value: unknown) => (value === 1 ? "one" : value) }),
  echo,
);
app.post("/json/verify", bodyParser.json({ verify }), echo);
app.post("/form", bodyParser.urlencoded(), echo);
app.post("/form/extended", bodyParser.urlencoded({ extended: true }), echo);
app.post("/form/few", bodyParser.urlencoded({ parameterLimit: 2 }), echo);
app.post("/form/verify", bodyParser.urlencoded({ verify }), echo);
app.post("/text", bodyParser.text(), echo);
app.post("/text/latin", bodyParser.text({ defaultCharset: "iso-8859-1" }), echo);
app.post("/text/limit", bodyParser.text({ limit: "1kb" }), echo);
app.post("/raw", bodyParser.raw(), echo);
app.post(
  "/raw/limit",
  bodyParser.raw({ limit: "1mb", type: "*/*" }),
  (req, res) => void res.json((req.body as Buffer).length),
);
app.post(
  "/all",
  bodyParser.json(),
  bodyParser.urlencoded(),
  bodyParser.text(),
  bodyParser.raw(),
  echo,
);

const onError: ErrorRequestHandler = (
  error: { status: number; type?: string; message: string },
  _req,
  res,
  _next,
) => {
  res.status(error.status).json({ type: error.type ?? null });
};
app.use(onError);
