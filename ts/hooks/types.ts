// SPDX-License-Identifier: Apache-2.0
// The types of hooks: one a phase, by the names that their exports have (phaseRows of ts/wire/protocol.ts).
import type { phaseRows } from "../wire/protocol.ts";
import type { FilterableResponse, InputFilterResult, OutputFilterResult } from "./filter-types.ts";
import type { HookRequest } from "./request.ts";
import type { AuthnStatus, AuthzStatus, Decision } from "./results.ts";

type Awaitable<Value> = Value | Promise<Value>;
// biome-ignore lint/suspicious/noConfusingVoidType: a function without return is one of these
type Nothing = undefined | void;

/**
 * What a hook of a phase returns: OK, DECLINED, DONE, a status, a Response that answers the request at once, or nothing: OK where httpd asks all hooks of
 * the phase (RUN_ALL), DECLINED where the first answer counts (RUN_FIRST).
 */
export type HookResult = number | Response | Decision<number> | Nothing;

/** A hook of a phase of httpd. */
export type PhaseHook = (r: HookRequest) => Awaitable<HookResult>;

/** Produces the response (`TenonHook handler`). */
export type Handler = PhaseHook;
/** May answer before anything else, access checks too. */
export type QuickHandler = PhaseHook;
/** Has the request as it was read, before httpd looks at it. */
export type PostReadRequest = PhaseHook;
/** May have the path left as it was sent. */
export type PreTranslateName = PhaseHook;
/** Says which file a path stands for: sets `filename`. */
export type TranslateName = PhaseHook;
/** May keep httpd from looking at the file system. */
export type MapToStorage = PhaseHook;
/** Follows when the configuration of the request is known. */
export type PostPerdirConfig = PhaseHook;
/** Looks at the headers, of requests that clients sent alone. */
export type HeaderParser = PhaseHook;
/** Refuses by anything but the user: OK, or a status such as 403. */
export type AccessChecker = PhaseHook;
/** Refuses, or grants access without a user: OK. */
export type AccessCheckerEx = PhaseHook;
/** Demands a user although access was granted without. */
export type ForceAuthn = PhaseHook;
/** Finds out who the user is: sets `user` and `authType` and returns OK, or 401. */
export type CheckUserId = PhaseHook;
/** Says whether the user may: OK, or a status such as 403. */
export type AuthChecker = PhaseHook;
/** Sets `contentType` and `handler`. */
export type TypeChecker = PhaseHook;
/** Has the last word before the response. */
export type Fixups = PhaseHook;
/** Sets up the filters of a response. What it returns means nothing. */
export type InsertFilter = PhaseHook;
/** Sets up the filters of an error's response. What it returns means nothing. */
export type InsertErrorFilter = PhaseHook;
/** Says how the client is to authenticate: sets WWW-Authenticate in `errHeadersOut`. */
export type NoteAuthFailure = PhaseHook;

/**
 * Has the request when it is over; called for many requests at once, later, perhaps twice for the same (compare `id`). The request can neither be changed nor asked
 * about. What it returns means nothing.
 */
export type LogTransaction = (r: HookRequest) => unknown;

/** Checks a password (`AuthBasicProvider tenon`): true, false, a status, or nothing when there is no such user. */
export type CheckPassword = (
  r: HookRequest,
  user: string,
  password: string,
) => Awaitable<boolean | AuthnStatus | Decision<boolean | AuthnStatus | undefined> | Nothing>;

/** Gives the hex MD5 of `user:realm:password` (`AuthDigestProvider tenon`; RFC 7616), or nothing when there is no such user. */
export type GetRealmHash = (
  r: HookRequest,
  user: string,
  realm: string,
) => Awaitable<string | Decision<string | undefined> | Nothing>;

/**
 * Answers a line `Require tenon pool#export args…`: true, false or a status. It is first asked before there is a user; `false` of one that has asked for `r.user` then counts as
 * AuthzStatus.DENIED_NO_USER: httpd finds out who it is and asks again (as for `Require expr`).
 */
export type CheckAuthorization = (
  r: HookRequest,
  args: readonly string[],
) => Awaitable<boolean | AuthzStatus | Decision<boolean | AuthzStatus>>;

/** Changes the body of a response on its way. */
export type OutputFilter = (
  r: HookRequest,
  response: FilterableResponse,
) => Awaitable<OutputFilterResult>;

/** Changes the body of a request on its way. */
export type InputFilter = (
  r: HookRequest,
  body: ReadableStream<Uint8Array>,
) => Awaitable<InputFilterResult>;

/** Gives the value of a key (RewriteMap and others), or nothing when there is none. */
export type MapFunction = (
  key: string,
  r: HookRequest,
) => Awaitable<string | Decision<string | undefined> | Nothing>;

/** All hooks, by the names of their exports. */
export interface Hooks {
  handler: Handler;
  quickHandler: QuickHandler;
  postReadRequest: PostReadRequest;
  preTranslateName: PreTranslateName;
  translateName: TranslateName;
  mapToStorage: MapToStorage;
  postPerdirConfig: PostPerdirConfig;
  headerParser: HeaderParser;
  accessChecker: AccessChecker;
  accessCheckerEx: AccessCheckerEx;
  forceAuthn: ForceAuthn;
  checkUserId: CheckUserId;
  authChecker: AuthChecker;
  typeChecker: TypeChecker;
  fixups: Fixups;
  insertFilter: InsertFilter;
  insertErrorFilter: InsertErrorFilter;
  noteAuthFailure: NoteAuthFailure;
  logTransaction: LogTransaction;
  checkPassword: CheckPassword;
  getRealmHash: GetRealmHash;
  checkAuthorization: CheckAuthorization;
  outputFilter: OutputFilter;
  inputFilter: InputFilter;
  map: MapFunction;
}

type Exported = (typeof phaseRows)[number]["exported"];
/** Fails to compile when a phase has no type, or a type no phase. */
export type EachPhaseHasAType = [
  Exclude<Exported, keyof Hooks>,
  Exclude<keyof Hooks, Exported>,
] extends [never, never]
  ? true
  : never;
const eachPhaseHasAType: EachPhaseHasAType = true;
void eachPhaseHasAType;
