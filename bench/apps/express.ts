// SPDX-License-Identifier: Apache-2.0
// A small JSON from Express with its own defaults.
import type { IncomingMessage, ServerResponse } from "node:http";
import express from "express";

const application = express();
application.get("/", (_request, response) => {
  response.json({ hello: "world" });
});

const listener: (req: IncomingMessage, res: ServerResponse) => void = application;
export default listener;
