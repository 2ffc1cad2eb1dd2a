// SPDX-License-Identifier: Apache-2.0
// An Express application: it is a (request, response) listener, so it is exported as it is.
import express, { type Express, type Request, type Response, Router } from "express";

const router = Router();

router.get("/", (_request: Request, response: Response) => {
  response.type("html").send("<!doctype html><title>Express</title><p>Hello from Express.\n");
});

router.get("/greet/:name", (request: Request, response: Response) => {
  response.json({ greeting: `Hello, ${request.params["name"]}!` });
});

router.post("/sum", express.json(), (request: Request, response: Response) => {
  const body: unknown = request.body;
  const numbers = Array.isArray(body) ? body.map(Number) : [];
  response.json({ sum: numbers.reduce((sum, number) => sum + number, 0) });
});

const app: Express = express();
app.disable("x-powered-by");
// The module hands over the whole path: mount the routes where the application is mounted.
app.use(["/express", "/"], router);

export default app;
