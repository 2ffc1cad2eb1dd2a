// SPDX-License-Identifier: Apache-2.0
// The error class and the table of codes. docs/errors.md lists the same codes; a test compares.

/** Every error that Tenon throws: code to message. `{name}` is replaced by the detail of that name. */
export const errors = {
  TENON_ERR_ADDON:
    "no native addon for this machine below {root}: run scripts/setup (or npx node-gyp configure build) there",
  TENON_ERR_APPLICATION_IDLE:
    "the application {app} has nothing left to do, but its top-level await has not settled",
  TENON_ERR_APPLICATION_LOAD: "{message}",
  TENON_ERR_APPLICATION_SHAPE:
    "the application neither exports a fetch function, a (request, response) function or an HTTP server by default, nor listens with one",
  TENON_ERR_ARGUMENT: "{what} must be {expected}, not {got}",
  TENON_ERR_CONFIG_FORMAT: "config.json cannot be read: {reason}",
  TENON_ERR_CONFIG_VALUE: "{where}: {key} must be {expected}, not {got}",
  TENON_ERR_GROUP_UNKNOWN: "pool '{pool}': there is no group '{group}'",
  TENON_ERR_HOOK_MISSING:
    "the application {app} exports no function {name} for the phase {phase}: it exports {exported}",
  TENON_ERR_HOOK_OVER: "the request can neither be changed nor asked about: {reason}",
  TENON_ERR_HOOK_RESULT: "{name} returned {got}: {expected}",
  TENON_ERR_HTTPD_EXITED: "httpd exited with code {code}, signal {signal}",
  TENON_ERR_HTTPD_MISSING:
    "apxs does not tell httpd's {name}: run scripts/setup, or install apache2 and apache2-dev",
  TENON_ERR_HTTPD_START: "httpd did not start:\n{said}",
  TENON_ERR_LOG_LINE_MISSING:
    "no line that matches {pattern} came in {path} within {timeoutMs} ms; its last lines:\n{tail}",
  TENON_ERR_COMMAND: "the supervisor refuses the command: {reason}",
  TENON_ERR_POOL_UNKNOWN: "there is no pool '{pool}' in {path}: {pools}",
  TENON_ERR_RUNTIME_DIRECTORY: "the runtime directory {path} cannot be used: {reason}",
  TENON_ERR_NODE_INTERNALS:
    "Node {version} has no {what} in node:http: this version is not supported",
  TENON_ERR_SCOREBOARD: "not a scoreboard of this version of Tenon: {what}",
  TENON_ERR_SUPERVISOR_RUNNING: "another supervisor (pid {pid}) uses the runtime directory {path}",
  TENON_ERR_USER_OTHER:
    "pool '{pool}': user '{user}' needs httpd to be started as root; only its own user (uid {uid}) can be had",
  TENON_ERR_USER_ROOT: "pool '{pool}': user '{user}' is root: name another",
  TENON_ERR_USER_UNKNOWN: "pool '{pool}': there is no user '{user}'",
  TENON_ERR_WIRE_APPLICATION: "the application broke off its response: {what}",
  TENON_ERR_WIRE_BAD_FIELD: "a header has a name or value that HTTP does not allow: {what}",
  TENON_ERR_WIRE_BAD_FILE:
    "a descriptor is missing, one too many, or not of a readable file of that length: {what}",
  TENON_ERR_WIRE_BAD_FLAGS: "a flag or reserved bit that must be zero is set: {what}",
  TENON_ERR_WIRE_BAD_LENGTH: "the body's length differs from the one declared: {what}",
  TENON_ERR_WIRE_BAD_PAYLOAD: "the payload does not have the layout of its frame type: {what}",
  TENON_ERR_WIRE_BAD_VERSION: "the peer speaks no version that we know: {what}",
  TENON_ERR_WIRE_BUSY: "the worker has no room; the exchange was not begun: {what}",
  TENON_ERR_WIRE_CLIENT_GONE: "the client has gone away: {what}",
  TENON_ERR_WIRE_DRAINING: "the worker takes no new exchanges; this one was not begun: {what}",
  TENON_ERR_WIRE_NO_SPACE: "the buffer is too small for what is to be encoded: {what}",
  TENON_ERR_WIRE_OUT_OF_ORDER: "the frame is not legal in this state of the exchange: {what}",
  TENON_ERR_WIRE_OVER_CREDIT: "more body came than was asked for: {what}",
  TENON_ERR_WIRE_STOPPING: "the worker stops and could not finish the exchange: {what}",
  TENON_ERR_WIRE_DESTROYED: "the application destroyed the connection: {what}",
  TENON_ERR_WIRE_STALLED:
    "the application kept its worker's event loop from turning, and was terminated: {what}",
  TENON_ERR_WIRE_TIMED_OUT: "the answer did not come in time: {what}",
  TENON_ERR_WIRE_TOO_LONG: "the payload is longer than its frame type allows: {what}",
  TENON_ERR_WIRE_TRUNCATED: "the channel ended in the middle of a frame or of an exchange: {what}",
  TENON_ERR_WIRE_UNKNOWN_FRAME: "the frame type is not known: {what}",
  TENON_ERR_WORKER_DIRECTORY: "the worker cannot change to its directory {directory}",
  TENON_ERR_WORKER_ENVIRONMENT:
    "a worker must not be started with {name} in its environment: set it for the application by other means",
  TENON_ERR_WORKER_ROOT: "a worker of pool {pool} must not run as root",
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
