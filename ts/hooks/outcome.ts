// SPDX-License-Identifier: Apache-2.0
// Calls the function of a phase and makes of what it returns the code that httpd wants. Used by run.ts.
import { describe } from "../adapter/response-sender.ts";
import { fail } from "../errors.ts";
import { Phase, phaseRows } from "../wire/protocol.ts";
import { HookRequest } from "./request.ts";
import {
  AuthnStatus,
  AuthzStatus,
  type CacheTerms,
  DECLINED,
  type Decision,
  DONE,
  OK,
} from "./results.ts";

/** A function that an application exports. */
export type HookFunction = (...parameters: unknown[]) => unknown;

/** What came of a hook. */
export interface Outcome {
  readonly code: number;
  /** What a map or a provider found. */
  readonly value: string | undefined;
}

/** How a phase's function is called, and which results it knows. */
interface Manner {
  call(hook: HookFunction, request: HookRequest): unknown;
  /** Undefined for a result that the phase does not know. */
  outcome(result: unknown, request: HookRequest): Outcome | undefined;
  readonly expected: string;
}

const LEAST_STATUS = 100;
const MOST_STATUS = 599;

function code(number: number): Outcome {
  return { code: number, value: undefined };
}

function oneOf(statuses: Readonly<Record<string, number>>, result: unknown): Outcome | undefined {
  return typeof result === "number" && Object.values(statuses).includes(result)
    ? code(result)
    : undefined;
}

function isResultNumber(result: unknown): result is number {
  if (!Number.isInteger(result)) return false;
  const number = result as number;
  return (number >= LEAST_STATUS && number <= MOST_STATUS) || (number >= DONE && number <= OK);
}

/** @param nothing what the hook means when it returns nothing */
function phaseManner(nothing: number): Manner {
  return {
    call: (hook, request) => hook(request),
    outcome: (result) => {
      if (result === undefined || result === null) return code(nothing);
      return isResultNumber(result) ? code(result) : undefined;
    },
    expected: "a hook returns OK, DECLINED, DONE, a status from 100 to 599, a Response or nothing",
  };
}

/** What it returns means nothing. */
const deaf: Manner = {
  call: (hook, request) => hook(request),
  outcome: () => code(OK),
  expected: "",
};

function read(request: HookRequest, name: string): string {
  return HookRequest.read(request, name) ?? "";
}

const checkPassword: Manner = {
  call: (hook, request) => hook(request, request.user ?? "", read(request, "password")),
  outcome: (result) => {
    if (result === undefined || result === null) return code(AuthnStatus.USER_NOT_FOUND);
    if (typeof result === "boolean") return code(result ? AuthnStatus.GRANTED : AuthnStatus.DENIED);
    return oneOf(AuthnStatus, result);
  },
  expected:
    "checkPassword returns true, false, an AuthnStatus, or nothing when there is no such user",
};

const getRealmHash: Manner = {
  call: (hook, request) => hook(request, request.user ?? "", read(request, "realm")),
  outcome: (result) => {
    if (result === undefined || result === null) return code(AuthnStatus.USER_NOT_FOUND);
    return typeof result === "string" ? { code: AuthnStatus.USER_FOUND, value: result } : undefined;
  },
  expected: "getRealmHash returns the hash as a text, or nothing when there is no such user",
};

const checkAuthorization: Manner = {
  call: (hook, request) => hook(request, request.arguments),
  outcome: (result, request) => {
    if (result === true) return code(AuthzStatus.GRANTED);
    // As `Require expr` does: who asked for the user, and is told that there is none, is asked again when there is one.
    if (result === false) {
      return code(HookRequest.lacksUser(request) ? AuthzStatus.DENIED_NO_USER : AuthzStatus.DENIED);
    }
    return oneOf(AuthzStatus, result);
  },
  expected: "checkAuthorization returns true, false or an AuthzStatus",
};

const map: Manner = {
  call: (hook, request) => hook(read(request, "key"), request),
  outcome: (result) => {
    if (result === undefined || result === null) return code(DECLINED);
    return typeof result === "string" ? { code: OK, value: result } : undefined;
  },
  expected: "a map returns a text, or nothing when it has no such key",
};

const manners: readonly Manner[] = phaseRows.map(({ phase, kind }) => {
  if (phase === Phase.CHECK_PASSWORD) return checkPassword;
  if (phase === Phase.GET_REALM_HASH) return getRealmHash;
  if (phase === Phase.CHECK_AUTHORIZATION) return checkAuthorization;
  if (phase === Phase.MAP) return map;
  if (phase === Phase.LOG_TRANSACTION || kind === "VOID") return deaf;
  return phaseManner(kind === "RUN_ALL" ? OK : DECLINED);
});

/** Calls a hook with what its phase gives it. */
export function callHook(phase: number, hook: HookFunction, request: HookRequest): unknown {
  return (manners[phase] as Manner).call(hook, request);
}

/** Whether the hooks of a phase may answer the request with a Response. */
export function mayRespond(phase: number): boolean {
  const kind = phaseRows[phase]?.kind;
  return (kind === "RUN_ALL" || kind === "RUN_FIRST") && phase !== Phase.LOG_TRANSACTION;
}

/** Takes a result and the terms of its cache apart. */
export function takeApart(returned: unknown): {
  readonly result: unknown;
  readonly cache: CacheTerms | undefined;
} {
  if (typeof returned !== "object" || returned === null || !("result" in returned))
    return { result: returned, cache: undefined };
  const { result, cache } = returned as Decision<unknown>;
  return { result, cache };
}

/** Makes the outcome of a result. @throws {TENON_ERR_HOOK_RESULT} */
export function outcomeOf(
  phase: number,
  name: string,
  result: unknown,
  request: HookRequest,
): Outcome {
  const manner = manners[phase] as Manner;
  const outcome = manner.outcome(result, request);
  if (outcome !== undefined) return outcome;
  throw fail("TENON_ERR_HOOK_RESULT", { name, got: describe(result), expected: manner.expected });
}
