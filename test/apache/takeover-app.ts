// SPDX-License-Identifier: Apache-2.0
// Writes down the number of each request that it gets. The application of takeover.test.ts.
import { appendFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";

const { SEEN = "/dev/null", VERSION = "" } = process.env;

/** Waits for `wait` ms, so that some requests are always open; `/text` logs, `/loop` never returns, nor does `/hog`, which takes memory. */
export default async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(req.url ?? "/", "http://localhost");
  const number = searchParams.get("n");
  if (number !== null) appendFileSync(SEEN, `${number}\n`);
  const wait = Number(searchParams.get("wait") ?? 0);
  if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  if (pathname.endsWith("/print")) console.log(searchParams.get("text"));
  if (pathname.endsWith("/loop")) for (;;);
  if (pathname.endsWith("/hog"))
    for (const all: Buffer[] = []; ; ) all.push(Buffer.alloc(65_536, 1));
  res.setHeader("Content-Type", "text/plain");
  res.end(`${process.pid} ${VERSION}`);
}
