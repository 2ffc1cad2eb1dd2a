// SPDX-License-Identifier: Apache-2.0
// Hooks that ask httpd: the query of the request says what.
import { createHash } from "node:crypto";
import { DECLINED, type Fixups, type Handler, type HookRequest } from "../../ts/index.ts";

/** The status, some headers, and size and digest of a subrequest's body. */
async function ask(r: HookRequest, query: URLSearchParams): Promise<unknown> {
  const headers = Object.fromEntries(
    query.getAll("header").map((text) => text.split(": ") as [string, string]),
  );
  const method = query.get("method") ?? "GET";
  const response = await r.subrequest(query.get("uri") ?? "", { method, headers });
  const hash = createHash("sha256");
  let bytes = 0;
  let beginning = "";
  for await (const piece of response.body ?? []) {
    if (bytes < 1000) beginning += Buffer.from(piece).toString("latin1");
    bytes += piece.length;
    hash.update(piece);
    if (query.has("leave")) break;
    if (query.has("die")) process.kill(process.pid, "SIGKILL");
  }
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    bytes,
    beginning: beginning.slice(0, 1000),
    digest: hash.digest("hex"),
  };
}

async function answer(r: HookRequest): Promise<Response> {
  const query = new URLSearchParams(r.args ?? "");
  try {
    // Asks for itself, for ever.
    if (query.has("recursive")) {
      const { status } = await r.subrequest(r.unparsedUri);
      return Response.json({ status }, { status });
    }
    const expressions = query.getAll("variable");
    if (query.has("note")) r.notes.set("asked", query.get("note") ?? "");
    if (expressions.length > 0) {
      return Response.json(await Promise.all(expressions.map((each) => r.variable(each))));
    }
    return Response.json(await ask(r, query));
  } catch (error) {
    return Response.json({ error: String(error) });
  }
}

/** Answers what is below /ask, in the fixups phase. */
export const fixups: Fixups = async (r) => (r.uri?.startsWith("/ask") ? answer(r) : DECLINED);

/** The same as a handler, with a body that may be unread. */
export const handler: Handler = async (r) => answer(r);
