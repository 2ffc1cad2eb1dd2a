// SPDX-License-Identifier: Apache-2.0
// The same 12 bytes from Express with its own defaults.
import type { IncomingMessage, ServerResponse } from "node:http";
import express from "express";

const application = express();
application.get("/", (_request, response) => {
  response.type("text/plain").send("hello world\n");
});

const listener: (req: IncomingMessage, res: ServerResponse) => void = application;
export default listener;
