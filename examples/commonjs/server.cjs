// SPDX-License-Identifier: Apache-2.0
// A server as it has been written since 2009, unmodified: it runs alone with `node server.cjs` too.
const http = require("node:http");

const server = http.createServer((request, response) => {
  response.setHeader("Content-Type", "text/plain; charset=utf-8");
  response.end(`Hello from CommonJS. You asked for ${request.url}.\n`);
});

server.listen(3000, () => {
  console.log("listening on port %d", server.address().port);
});
