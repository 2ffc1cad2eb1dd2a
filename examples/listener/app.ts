// SPDX-License-Identifier: Apache-2.0
// A (request, response) listener as node:http has it. The last part of the path says what it does; so it may be mounted anywhere.
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";

const page = `A listener. Below this address:
  echo          POST: sends the body back while it comes
  bytes?n=1000  that many bytes
  slow?ms=500   answers after that time
  status?code=  that status
`;

function sendBytes(response: ServerResponse, total: number): void {
  const chunk = Buffer.alloc(65536, "x");
  let left = total;
  response.writeHead(200, {
    "Content-Type": "application/octet-stream",
    "Content-Length": String(total),
  });
  const send = (): void => {
    while (left > 0) {
      const piece = left < chunk.length ? chunk.subarray(0, left) : chunk;
      left -= piece.length;
      if (!response.write(piece)) {
        response.once("drain", send);
        return;
      }
    }
    response.end();
  };
  send();
}

function sendEcho(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader("Content-Type", request.headers["content-type"] ?? "application/octet-stream");
  pipeline(request, response, () => {
    // A client that goes away ends both; there is nothing left to do.
  });
}

async function sendSlowly(response: ServerResponse, ms: number): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  try {
    await wait(ms, undefined, { signal: gone.signal });
  } catch {
    return;
  }
  response.end(`That took ${ms} ms.\n`);
}

export default function listener(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? "/", "http://localhost");
  const asked = (name: string, otherwise: number): number =>
    Math.max(0, Number(url.searchParams.get(name) ?? otherwise) || 0);
  switch (url.pathname.split("/").at(-1)) {
    case "echo":
      sendEcho(request, response);
      return;
    case "bytes":
      sendBytes(response, asked("n", 1000));
      return;
    case "slow":
      void sendSlowly(response, asked("ms", 500));
      return;
    case "status": {
      const code = asked("code", 200);
      response.statusCode = code >= 200 && code <= 599 ? code : 400;
      response.end(`Status ${response.statusCode}\n`);
      return;
    }
    default:
      response.setHeader("Content-Type", "text/plain; charset=utf-8");
      response.end(page);
  }
}
