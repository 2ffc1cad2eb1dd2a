// SPDX-License-Identifier: Apache-2.0
// Wire errors as errors of Tenon: each row of WireError has a code TENON_ERR_WIRE_<name> in ts/errors.ts.
import { type ErrorCode, fail, TenonError } from "../errors.ts";
import { errorNames, WireError } from "./protocol.ts";

const prefix = "TENON_ERR_WIRE_";
const numbers: Readonly<Record<string, WireError>> = WireError;

/** Makes the error of a wire error. @param what what came, and what was expected */
export function wireFail(error: WireError, what: string): TenonError {
  return fail(`${prefix}${errorNames[error]}` as ErrorCode, { what });
}

/** The number that an error has in ABORT, or undefined when it is no error of the wire. */
export function wireErrorNumber(error: unknown): WireError | undefined {
  if (!(error instanceof TenonError) || !error.code.startsWith(prefix)) return undefined;
  return numbers[error.code.slice(prefix.length)];
}
