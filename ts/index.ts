// SPDX-License-Identifier: Apache-2.0
// The front door of the package: what an application or a tool may use. Everything else is private.

export type { FetchApplication } from "./adapter/fetch.ts";
export { purgeDecisions } from "./decisions.ts";
export { type ErrorCode, errors, TenonError } from "./errors.ts";
export { type RequestFacts, requestFacts } from "./facts.ts";
export { type FileInput, type FileOptions, fileResponse, sendFile } from "./files.ts";
