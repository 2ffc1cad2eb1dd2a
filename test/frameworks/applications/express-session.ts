// SPDX-License-Identifier: Apache-2.0
// express-session over its own store in memory. The cases are in ../express-session.test.ts.
import express, { type Express, type Request } from "express";
import session, { type Session } from "express-session";

const app: Express = express();
export default app;

const sessionOf = (req: Request): Session => (req as Request & { session: Session }).session;
const common = { secret: ["new secret", "old secret"], resave: false, saveUninitialized: false };

app.use("/plain", session(common));
app.use(
  "/named",
  session({
    ...common,
    name: "own.name",
    cookie: { path: "/named", sameSite: "strict", httpOnly: false },
  }),
);
app.use("/eager", session({ ...common, saveUninitialized: true }));
app.use("/rolling", session({ ...common, rolling: true, cookie: { maxAge: 60_000 } }));
app.use("/secure", session({ ...common, saveUninitialized: true, cookie: { secure: true } }));
app.use("/unset", session({ ...common, unset: "destroy" }));

for (const mount of ["/plain", "/named", "/eager", "/rolling", "/secure", "/unset"]) {
  app.get(`${mount}/views`, (req, res) => {
    const current = sessionOf(req);
    current.views = (current.views ?? 0) + 1;
    res.json({ views: current.views });
  });
  app.get(
    `${mount}/read`,
    (req, res) =>
      void res.json({ views: sessionOf(req).views ?? 0, user: sessionOf(req).user ?? null }),
  );
  app.get(`${mount}/login/:user`, (req, res, next) => {
    sessionOf(req).regenerate((error) => {
      if (error !== undefined && error !== null) {
        next(error);
        return;
      }
      sessionOf(req).user = req.params.user;
      sessionOf(req).save(() => res.json({ user: sessionOf(req).user }));
    });
  });
  app.get(`${mount}/logout`, (req, res) => {
    sessionOf(req).destroy(() => res.json({ out: true }));
  });
  app.get(`${mount}/drop`, (req, res) => {
    (req as unknown as { session: Session | null }).session = null;
    res.send("dropped");
  });
  app.get(`${mount}/stream`, (req, res) => {
    sessionOf(req).views = 100;
    res.write("streamed ");
    res.end("with a session");
  });
}
