// SPDX-License-Identifier: Apache-2.0
// The front door of the package: what an application or a tool may use. Everything else is private.

export type { FetchApplication } from "./adapter/fetch.ts";
export { purgeDecisions } from "./decisions.ts";
export { type ErrorCode, errors, TenonError } from "./errors.ts";
export { type RequestFacts, requestFacts } from "./facts.ts";
export { type FileInput, type FileOptions, fileResponse, sendFile } from "./files.ts";
export type {
  FilterableResponse,
  FilterBody,
  FilteredResponse,
  FilterTransform,
  InputFilterResult,
  OutputFilterResult,
} from "./hooks/filter-types.ts";
export type { HookLog } from "./hooks/hook-log.ts";
export type { Credentials, FileInfo, TlsInfo } from "./hooks/parts.ts";
export type { HookRequest, PhaseName, SubrequestOptions } from "./hooks/request.ts";
export {
  AuthnStatus,
  AuthzStatus,
  type CacheTerms,
  DECLINED,
  type Decision,
  DONE,
  decision,
  OK,
  type VaryName,
} from "./hooks/results.ts";
export { type RequestState, requestState } from "./hooks/state.ts";
export type { ReadonlyTable, Table } from "./hooks/table.ts";
export type {
  AccessChecker,
  AccessCheckerEx,
  AuthChecker,
  CheckAuthorization,
  CheckPassword,
  CheckUserId,
  Fixups,
  ForceAuthn,
  GetRealmHash,
  Handler,
  HeaderParser,
  HookResult,
  Hooks,
  InputFilter,
  InsertErrorFilter,
  InsertFilter,
  LogTransaction,
  MapFunction,
  MapToStorage,
  NoteAuthFailure,
  OutputFilter,
  PhaseHook,
  PostPerdirConfig,
  PostReadRequest,
  PreTranslateName,
  QuickHandler,
  TranslateName,
  TypeChecker,
} from "./hooks/types.ts";
