// SPDX-License-Identifier: Apache-2.0
// The same small JSON from Fastify with its own defaults.
import type { IncomingMessage, ServerResponse } from "node:http";
import fastify from "fastify";

const application = fastify();
application.get("/", async () => ({ hello: "world" }));
await application.ready();

const listener: (req: IncomingMessage, res: ServerResponse) => void = application.routing;
export default listener;
