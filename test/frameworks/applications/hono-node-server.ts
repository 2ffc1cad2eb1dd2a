// SPDX-License-Identifier: Apache-2.0
// The same application by @hono/node-server, which listens by itself.
import type { Server } from "node:http";
import { type ServerType, serve } from "@hono/node-server";
import app from "./hono.ts";

const server: ServerType = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
export default server as Server;
