// SPDX-License-Identifier: Apache-2.0
// The application of the contenders that run node, as a (req, res) listener: a GET gets 12 bytes, a POST its own body.
import type { IncomingMessage, ServerResponse } from "node:http";

const answer = "hello world\n";
const answerHead = { "Content-Type": "text/plain", "Content-Length": answer.length };

export default function listener(req: IncomingMessage, res: ServerResponse): void {
  if (req.method !== "POST") {
    res.writeHead(200, answerHead).end(answer);
    return;
  }
  res.setHeader("Content-Type", "application/octet-stream");
  const length = req.headers["content-length"];
  if (length !== undefined) res.setHeader("Content-Length", length);
  req.pipe(res);
}
