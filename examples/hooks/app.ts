// SPDX-License-Identifier: Apache-2.0
// Hooks around whatever httpd serves: a door, a note for the logs, values for RewriteRule, and a count of what came of it all. docs/hooks.md has the configuration.
import { type AccessChecker, type Fixups, type LogTransaction, type MapFunction, OK } from "tenon";

const tenants: ReadonlyMap<string, string> = new Map([
  ["north.example", "n"],
  ["south.example", "s"],
]);
const statuses = new Map<number, number>();

/** Closed while the configuration says so; a Response is the answer, and httpd goes no further. */
export const accessChecker: AccessChecker = (r) => {
  const until = r.options.get("closed");
  if (until === undefined) return OK;
  return new Response(`Closed until ${until}.\n`, {
    status: 503,
    headers: { "Content-Type": "text/plain; charset=utf-8", "Retry-After": "3600" },
  });
};

/** What is set here is in the response's head, and in access logs as %{tenant}n. */
export const fixups: Fixups = (r) => {
  r.headersOut.set("X-Request-Id", r.id);
  r.annotate("tenant", tenants.get(r.hostname ?? "") ?? "nobody");
  return OK;
};

/** A value for RewriteMap. */
export const map: MapFunction = (host) => tenants.get(host);

/** Called once for every request that is over. */
export const logTransaction: LogTransaction = (r) => {
  const status = r.status ?? 0;
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
};

export default {
  fetch(): Response {
    return Response.json(Object.fromEntries(statuses));
  },
};
