// SPDX-License-Identifier: Apache-2.0
// Who may enter, for the tests of authentication. Each function counts its calls in this worker: GET /counts tells them.
import { createHash } from "node:crypto";
import {
  AuthnStatus,
  AuthzStatus,
  type CheckAuthorization,
  type CheckPassword,
  type GetRealmHash,
  purgeDecisions,
  requestFacts,
} from "../../ts/index.ts";

/** Users and their passwords. */
const accounts = new Map([
  ["alice", "wonder"],
  ["colon", "a:b::c:"],
  ["jürgen", "pässwörd€"],
  ["bob", "build"],
]);
const groups = new Map([
  ["alice", ["staff", "admins"]],
  ["bob", ["staff"]],
]);
const counts = new Map<string, number>();

function count(name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** What goes wrong with some users. */
async function misbehave(user: string | undefined): Promise<void> {
  if (user === "thrower") throw new Error("the directory is down");
  if (user === "killer") process.kill(process.pid, "SIGKILL");
  if (user === "sleeper") await new Promise(() => setInterval(() => {}, 60_000));
  if (user === "looper") for (;;);
}

export const checkPassword: CheckPassword = async (_r, user, password) => {
  count("checkPassword");
  await misbehave(user);
  if (user === "error") return AuthnStatus.GENERAL_ERROR;
  const right = accounts.get(user);
  return right === undefined ? AuthnStatus.USER_NOT_FOUND : right === password;
};

export const getRealmHash: GetRealmHash = async (_r, user, realm) => {
  count("getRealmHash");
  await misbehave(user);
  const password = accounts.get(user);
  if (password === undefined) return undefined;
  return createHash("md5").update(`${user}:${realm}:${password}`).digest("hex");
};

/** Whether the user is in one of the groups. */
export const inGroup: CheckAuthorization = async (r, args) => {
  count("inGroup");
  await misbehave(r.user);
  return args.some((group) => groups.get(r.user ?? "")?.includes(group) === true);
};

/** Gives what its argument says. */
export const says: CheckAuthorization = (_r, [what = ""]) => {
  count("says");
  const statuses: Record<string, AuthzStatus> = { ...AuthzStatus };
  return statuses[what] ?? what === "true";
};

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname.endsWith("/counts")) return Response.json(Object.fromEntries(counts));
    if (pathname.endsWith("/purge")) purgeDecisions(searchParams.get("export") ?? undefined);
    const { user, authType } = requestFacts(request) ?? {};
    return Response.json({ user, authType });
  },
};
