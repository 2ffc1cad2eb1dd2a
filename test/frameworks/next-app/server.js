// SPDX-License-Identifier: Apache-2.0
// A custom server, as the documentation of Next.js has it.
import { createServer } from "node:http";
import next from "next";

const port = Number.parseInt(process.env.PORT ?? "3000", 10);
const app = next({ dev: false });
const handle = app.getRequestHandler();
await app.prepare();
createServer((request, response) => handle(request, response)).listen(port);
