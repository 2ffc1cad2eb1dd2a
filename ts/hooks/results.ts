// SPDX-License-Identifier: Apache-2.0
// What hooks return: httpd's numbers, decisions that may be kept, and what each means for a phase.

/** The hook has done its part (httpd's OK). */
export const OK = 0 as const;
/** The hook leaves it to others (httpd's DECLINED). */
export const DECLINED = -1 as const;
/** The request is over: `status` is what it is answered with (httpd's DONE). */
export const DONE = -2 as const;

/** What came of checking a password (httpd's authn_status). */
export const AuthnStatus = {
  /** The password is wrong. */
  DENIED: 0,
  /** The password is right. */
  GRANTED: 1,
  /** There is such a user (getRealmHash). */
  USER_FOUND: 2,
  /** There is no such user: the next provider is asked. */
  USER_NOT_FOUND: 3,
  /** It cannot be told: 500. */
  GENERAL_ERROR: 4,
} as const;
export type AuthnStatus = (typeof AuthnStatus)[keyof typeof AuthnStatus];

/** What a line `Require` says (httpd's authz_status). */
export const AuthzStatus = {
  DENIED: 0,
  GRANTED: 1,
  /** This line says nothing: others decide. */
  NEUTRAL: 2,
  /** It cannot be told: 500. */
  GENERAL_ERROR: 3,
  /** Not without a user: the host asks the client for one, then this line again. */
  DENIED_NO_USER: 4,
} as const;
export type AuthzStatus = (typeof AuthzStatus)[keyof typeof AuthzStatus];

/** What a decision depends on: a part of the request by name. */
export type VaryName =
  | "user"
  | "uri"
  | "args"
  | "client"
  | "method"
  | "hostname"
  | "password"
  | "realm"
  | "argument"
  | `header:${string}`
  | `option:${string}`
  | `expr:${string}`;

/** How long a decision may be kept, and for which requests. */
export interface CacheTerms {
  /** Milliseconds, 1 to 4294967295. */
  readonly ttl: number;
  /** What the decision depends on: two requests that are alike in all of it get the same decision. */
  readonly vary: readonly VaryName[];
}

/** A result with what may be done with it. */
export interface Decision<Value> {
  readonly result: Value;
  readonly cache?: CacheTerms | undefined;
}

const LARGEST_TTL = 0xffff_ffff;

/**
 * Makes a result that the host may keep (TenonCache): requests alike in all that `vary` names are then decided, and changed, as this one was, without asking again.
 *
 * @param result what the hook returns otherwise, but a Response
 * @throws {TypeError} when the terms are none
 */
export function decision<Value>(
  result: Value,
  options: { readonly cache?: CacheTerms | undefined } = {},
): Decision<Value> {
  const { cache } = options;
  if (cache !== undefined) checkTerms(cache);
  return { result, cache };
}

function checkTerms({ ttl, vary }: CacheTerms): void {
  if (!Number.isInteger(ttl) || ttl < 1 || ttl > LARGEST_TTL) {
    throw new TypeError(`cache.ttl must be a whole number of milliseconds, 1 to ${LARGEST_TTL}`);
  }
  if (!Array.isArray(vary) || !vary.every((name) => typeof name === "string")) {
    throw new TypeError("cache.vary must be an array of names, such as header:Authorization");
  }
}
