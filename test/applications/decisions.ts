// SPDX-License-Identifier: Apache-2.0
// Hooks whose decisions are kept, for the tests of the cache. Each answer that was computed here has a number of its own in X-Call.
import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import {
  type AccessChecker,
  type CheckAuthorization,
  type CheckPassword,
  type CheckUserId,
  DECLINED,
  decision,
  type GetRealmHash,
  type HookRequest,
  OK,
  purgeDecisions,
  type VaryName,
} from "../../ts/index.ts";

const LONG_MS = 600_000;
let calls = 0;
let inFlight = 0;
let release: (() => void) | undefined;

function call(r: HookRequest): void {
  r.errHeadersOut.set("X-Call", String(++calls));
}

/** An access checker that agrees, for all requests that are alike in these. */
function agreeing(...vary: VaryName[]): AccessChecker {
  return (r) => {
    call(r);
    return decision(OK, { cache: { ttl: LONG_MS, vary } });
  };
}

export const byNothing: AccessChecker = agreeing();
export const byHeader: AccessChecker = agreeing("header:X-Thing");
export const byUri: AccessChecker = agreeing("uri");
export const byArgs: AccessChecker = agreeing("args");
export const byClient: AccessChecker = agreeing("client");
export const byMethod: AccessChecker = agreeing("method");
export const byHostname: AccessChecker = agreeing("hostname");
export const byOption: AccessChecker = agreeing("option:colour");
export const byExpr: AccessChecker = agreeing("expr:%{HTTP:X-Thing}");
export const byPassword: AccessChecker = agreeing("password");
export const byRealm: AccessChecker = agreeing("realm");
export const byUser: AccessChecker = agreeing("user");
export const byUnknown: AccessChecker = agreeing("weather" as VaryName);
export const byBadExpr: AccessChecker = agreeing("expr:%{no:such");
export const byFile: AccessChecker = agreeing("expr:%{file:/etc/hostname}");

/** What a decision depends on differs from one to the next. */
export const byTurns: AccessChecker = (r) => {
  call(r);
  const vary: VaryName[] = r.headersIn.has("X-Deep") ? ["header:X-Deep", "uri"] : ["header:X-Deep"];
  return decision(r.uri.endsWith("2") && r.headersIn.has("X-Deep") ? 403 : OK, {
    cache: { ttl: LONG_MS, vary },
  });
};

export const shortly: AccessChecker = (r) => {
  call(r);
  return decision(OK, { cache: { ttl: 400, vary: [] } });
};

export const refusing: AccessChecker = (r) => {
  call(r);
  r.errHeadersOut.set("X-Why", "never on Mondays");
  return decision(r.headersIn.get("X-Thing") === "no" ? 403 : OK, {
    cache: { ttl: LONG_MS, vary: ["header:X-Thing"] },
  });
};

/** Changes all that an application or a log sees. */
export const changing: CheckUserId = (r) => {
  call(r);
  r.user = "jürgen";
  r.authType = "Token";
  r.env.set("COLOUR", "blue");
  r.notes.set("mark", "noted");
  r.headersIn.set("X-Seen", "by the hook");
  r.headersIn.delete("X-Secret");
  return decision(OK, { cache: { ttl: LONG_MS, vary: [] } });
};

export const talkative: AccessChecker = (r) => {
  call(r);
  r.notes.set("long", "x".repeat(5000));
  return decision(OK, { cache: { ttl: LONG_MS, vary: [] } });
};

export const answering: AccessChecker = (r) => {
  call(r);
  return new Response(`answer ${calls}`);
};

/** Answers when GET /…/release comes. */
export const waiting: AccessChecker = async (r) => {
  call(r);
  if (r.headersIn.has("X-Wait")) {
    inFlight++;
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    inFlight--;
  }
  return decision(OK, { cache: { ttl: LONG_MS, vary: [] } });
};

export const checkPassword: CheckPassword = (r, _user, password) => {
  call(r);
  return decision(password === "wonder", { cache: { ttl: LONG_MS, vary: [] } });
};

export const getRealmHash: GetRealmHash = (r, user, realm) => {
  call(r);
  const hash = createHash("md5").update(`${user}:${realm}:wonder`).digest("hex");
  return decision(hash, { cache: { ttl: LONG_MS, vary: [] } });
};

export const named: CheckAuthorization = (r, args) => {
  call(r);
  return decision(args.includes(r.user ?? ""), { cache: { ttl: LONG_MS, vary: [] } });
};

/** Lets X-Thing: yes in, for a moment. */
export const guard: AccessChecker = async (r) => {
  call(r);
  await setTimeout(1);
  return decision(r.headersIn.get("X-Thing") === "yes" ? OK : 403, {
    cache: { ttl: 40, vary: ["header:X-Thing"] },
  });
};

export const declining: AccessChecker = (r) => {
  call(r);
  return decision(DECLINED, { cache: { ttl: LONG_MS, vary: [] } });
};

export default {
  fetch(request: Request): Response {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname.endsWith("/purge")) purgeDecisions(searchParams.get("export") ?? undefined);
    if (pathname.endsWith("/release")) release?.();
    return Response.json({ calls, inFlight, headers: Object.fromEntries(request.headers) });
  },
};
