// SPDX-License-Identifier: Apache-2.0
// A (request, response) listener that does what applications should not. The last part of the path says what.
import type { IncomingMessage, ServerResponse } from "node:http";

export type Fault = (
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
) => void;

/** What can go wrong, by name. */
export const faults: Readonly<Record<string, Fault>> = {
  /** Dies of SIGABRT. */
  abort() {
    process.abort();
  },
  /** Dies of SIGSEGV. */
  segv() {
    process.kill(process.pid, "SIGSEGV");
  },
  exit(_request, _response, query) {
    process.exit(Number(query.get("code") ?? 3));
  },
  exitsoon(_request, _response, query) {
    setImmediate(() => process.exit(Number(query.get("code"))));
  },
  async exitcaught(_request, response, query) {
    await Promise.resolve();
    try {
      process.exit(Number(query.get("code")));
    } finally {
      // Never runs.
      response.end("ran on");
    }
  },
  throw() {
    throw new Error("thrown on purpose");
  },
  /** Throws after the head and some body were sent. */
  throwlate(_request, response) {
    response.write("some of the body");
    setImmediate(() => {
      throw new Error("thrown late on purpose");
    });
  },
  /** Throws while it is handed body. */
  throwdata(request) {
    request.on("data", () => {
      throw new Error("thrown at data on purpose");
    });
  },
  reject() {
    void Promise.reject(new Error("rejected on purpose"));
  },
  never() {},
  /** Breaks off after the head and some body. */
  break(_request, response) {
    response.write("some of the body", () => response.destroy());
  },
  /** Breaks off before the head. */
  destroy(request) {
    request.socket.destroy();
  },
  /** Promises more than it sends. */
  short(_request, response) {
    response.setHeader("Content-Length", "100");
    response.end("too short");
  },
  /** A head that no frame holds. */
  bighead(_request, response) {
    response.setHeader("X-Big", "x".repeat(300_000));
    response.end("big");
  },
  loop() {
    for (;;);
  },
  /** Dies in the middle of its answer. */
  exitlate(_request, response) {
    response.write("some of the body", () => process.exit(3));
  },
};

export default function listener(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? "/", "http://localhost");
  const fault = faults[url.pathname.split("/").at(-1) ?? ""];
  if (fault === undefined) response.end("no fault\n");
  else fault(request, response, url.searchParams);
}
