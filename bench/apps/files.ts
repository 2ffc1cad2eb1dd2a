// SPDX-License-Identifier: Apache-2.0
// Large bodies, as an application sends them: GET /file is a file piped into the response, GET /stream is made in memory.
import { createReadStream } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";

const streamBytes = 100 * 1024 * 1024;
const chunk = Buffer.alloc(65_536);

function* chunks(): Generator<Buffer> {
  for (let left = streamBytes; left > 0; left -= chunk.length) yield chunk;
}

export default function listener(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader("Content-Type", "application/octet-stream");
  if (request.url === "/file") {
    createReadStream(process.env["BENCH_FILE"] ?? "").pipe(response);
  } else if (request.url === "/stream") {
    response.setHeader("Content-Length", streamBytes);
    Readable.from(chunks(), { objectMode: false }).pipe(response);
  } else {
    response.end("hello world\n");
  }
}
