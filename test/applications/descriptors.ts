// SPDX-License-Identifier: Apache-2.0
// Opens files until the system refuses, and closes them when it is told to, or by itself after a while.
import { closeSync, openSync } from "node:fs";
import { createServer } from "node:http";

const opened: number[] = [];

function openAll(): string {
  try {
    for (;;) opened.push(openSync("/dev/null", "r"));
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

function closeAll(): void {
  for (const fd of opened.splice(0)) closeSync(fd);
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://descriptors");
  if (url.pathname.endsWith("/open")) {
    const code = openAll();
    const forMs = url.searchParams.get("ms");
    if (forMs !== null) setTimeout(closeAll, Number(forMs));
    response.end(`${code} ${process.pid}`);
  } else {
    response.end(String(process.pid));
  }
});
server.listen(3000);
