// SPDX-License-Identifier: Apache-2.0
// A server that keeps a book of all requests it sees, for those who ask whether it saw one that nobody sent.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

let book: string[] = [];
let open = 0;
const idle: (() => void)[] = [];

function settle(): void {
  open -= 1;
  if (open === 0) for (const wake of idle.splice(0)) wake();
}

/** Tells what was seen since the last time, once nothing is under way. */
function tell(response: ServerResponse, id: string | null): void {
  const answer = (): void => {
    response.end(JSON.stringify({ id, book }));
    book = [];
  };
  if (open === 0) answer();
  else idle.push(answer);
}

/** What an application may try to slip into its answer, and how node:http answers that. */
function inject(response: ServerResponse, where: string | null): void {
  const evil = "x\r\nX-Evil: 1\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
  const attempts: Record<string, () => void> = {
    value: () => response.setHeader("X-A", evil),
    name: () => response.setHeader(`X-A: ${evil}`, "1"),
    list: () => response.writeHead(200, ["X-A", evil]),
    reason: () => response.writeHead(200, evil),
    trailer: () => response.addTrailers({ "X-A": evil }),
    hints: () => response.writeEarlyHints({ link: "</a>; rel=preload", "x-a": evil }),
    nul: () => response.setHeader("X-A", "a\u0000b"),
  };
  try {
    attempts[where ?? ""]?.();
    response.end("not refused");
  } catch (error) {
    // writeHead() has kept the reason that it refused.
    response.statusMessage = "OK";
    response.end(`refused: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** What says where a message ends, and what hides behind it. */
function describe({ method, url, headers }: IncomingMessage): string {
  const { host: _, ...others } = headers;
  const names = Object.entries(others).map(([name, value]) => ` ${name}=${value}`);
  return `${method} ${url}${names.join("")}`;
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? "/", "http://smuggling");
  if (url.pathname.endsWith("/canary")) {
    tell(response, url.searchParams.get("id"));
    return;
  }
  open += 1;
  let body = "";
  request.setEncoding("latin1").on("data", (piece: string) => {
    body += piece;
  });
  let whole = false;
  request.on("end", () => {
    whole = true;
    book.push(`${describe(request)} [${body}]`);
    if (url.searchParams.has("inject")) inject(response, url.searchParams.get("inject"));
    else response.end(`own ${request.url}`);
  });
  request.on("close", () => {
    if (!whole) book.push(`${describe(request)} [${body.slice(0, 2)}, cut off`);
    settle();
  });
}

createServer(serve).listen(0);
