// SPDX-License-Identifier: Apache-2.0
// The error class and the table of codes. docs/errors.md lists the same codes; a test compares.

/** Every error that Tenon throws: code to message. `{name}` is replaced by the detail of that name. */
export const errors = {
  TENON_ERR_ADDON:
    "no native addon for this machine below {root}: run scripts/setup (or npx node-gyp rebuild) there",
  TENON_ERR_ARGUMENT: "{what} must be {expected}, not {got}",
  TENON_ERR_HTTPD_EXITED: "httpd exited with code {code}, signal {signal}",
  TENON_ERR_HTTPD_MISSING:
    "apxs does not tell httpd's {name}: run scripts/setup, or install apache2 and apache2-dev",
  TENON_ERR_HTTPD_START: "httpd did not start:\n{said}",
  TENON_ERR_LOG_LINE_MISSING:
    "no line that matches {pattern} came in {path} within {timeoutMs} ms; its last lines:\n{tail}",
} as const;

export type ErrorCode = keyof typeof errors;

/** An error of Tenon: what was expected, what came, which thing. `code` is stable and documented. */
export class TenonError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TenonError";
    this.code = code;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // By name, so that two copies of the package in one process agree.
    return value instanceof Error && value.name === "TenonError";
  }
}

/** Makes the error of a code. @param details values for the message's `{names}` */
export function fail(
  code: ErrorCode,
  details: Readonly<Record<string, unknown>> = {},
  cause?: unknown,
): TenonError {
  const message = errors[code].replace(/\{(\w+)\}/g, (_, name: string) => String(details[name]));
  return new TenonError(code, message, cause === undefined ? undefined : { cause });
}
