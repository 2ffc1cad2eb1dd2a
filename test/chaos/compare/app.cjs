// SPDX-License-Identifier: Apache-2.0
// The application that all of Node run, unmodified: an ordinary server. A copy of it is deployed for each pool.
"use strict";
const http = require("node:http");

const kept = [];

function hog() {
  for (;;) kept.push({ index: kept.length, list: [kept.length] });
}

http
  .createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://compare");
    const name = pathname.split("/").at(-1);
    if (name === "get") response.end(`answer ${searchParams.get("id")}\n`);
    else if (name === "pid") response.end(String(process.pid));
    else if (name === "hog") hog();
    else if (name === "loop") for (;;);
    // Anything else is never answered.
  })
  .listen(process.env.COMPARE_SOCKET ?? 0);
