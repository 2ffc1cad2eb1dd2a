// SPDX-License-Identifier: Apache-2.0
// A Koa application behind a proxy that listens by itself.
import type { Server } from "node:http";
import Koa from "koa";

const app = new Koa({ proxy: true });
app.use((ctx) => {
  ctx.body = {
    ip: ctx.ip,
    ips: ctx.ips,
    protocol: ctx.protocol,
    host: ctx.host,
    secure: ctx.secure,
  };
});
const server: Server = app.listen(0, "127.0.0.1");
export default server;
