// SPDX-License-Identifier: Apache-2.0
// Generated from native/wire/protocol.h by native/wire/generate.mjs (npm run gen): do not edit.

export const WireNumber = {
  /** version of the protocol that HELLO carries */
  VERSION: 1,
  /** size of the frame header before every payload */
  FRAME_HEADER_BYTES: 8,
  /** size of the payload of HELLO */
  HELLO_BYTES: 32,
  /** size of the fixed part of REQUEST, before facts and headers */
  REQUEST_FIXED_BYTES: 16,
  /** longest payload of any frame but DATA */
  MAX_MESSAGE_BYTES: 262144,
  /** longest payload of DATA */
  MAX_DATA_BYTES: 1048576,
  /** request body that a host may send without being asked */
  EAGER_BODY_BYTES: 65536,
  /** credit that a filter has open whenever it waits for more body */
  FILTER_CREDIT_BYTES: 262144,
  /** most headers or trailers in one frame */
  MAX_HEADERS: 2000,
  /** claim words of a slot, so most channels open to a worker at once */
  CLAIMS_PER_SLOT: 1024,
  /** low bits of a claim word that count exchanges; the rest name the channel */
  CLAIM_NUMBER_BITS: 12,
} as const;
export type WireNumber = (typeof WireNumber)[keyof typeof WireNumber];

export const FrameType = {
  /** w>h: opens a channel; says who serves it and where its claim word is */
  HELLO: 0x01,
  /** h>w: begins an exchange: phase, facts, headers */
  REQUEST: 0x02,
  /** both: a chunk of a body */
  DATA: 0x03,
  /** w>h: asks for more request body (credit in bytes) */
  PULL: 0x04,
  /** w>h: status, reason and headers; interim when 1xx, but 101 opens a tunnel */
  RESPONSE: 0x05,
  /** both: normal finish of one direction, with the body's length and trailers */
  END: 0x06,
  /** both: abrupt finish of the exchange and of the channel, with an error */
  ABORT: 0x07,
  /** both: the sender leaves: a worker begins nothing more, a tunnel is to end */
  CLOSE: 0x08,
  /** w>h: a line for the error log of the virtual host that is served */
  LOG: 0x09,
  /** w>h: a piece of a body, read from the file whose descriptor came along */
  FILE: 0x0a,
  /** w>h: changes to the request, as entries */
  FIELDS: 0x0b,
  /** w>h: a question about the request, or a subrequest */
  ASK: 0x0c,
  /** h>w: the answer to the oldest ASK that has none */
  REPLY: 0x0d,
  /** w>h: what a hook returned, and its changes; ends the exchange */
  RESULT: 0x0e,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export const Flag = {
  /** on REQUEST, RESPONSE, DATA and FILE: this direction finishes with this frame; on REPLY: nothing follows */
  END: 0x01,
  /** on REQUEST: the client asks to switch protocols; DATA follows only behind 101 */
  UPGRADE: 0x02,
} as const;
export type Flag = (typeof Flag)[keyof typeof Flag];

export const Phase = {
  /** produces the response */
  HANDLER: 0,
  /** may answer before anything else, access checks too */
  QUICK_HANDLER: 1,
  /** has the request as it was read, before httpd looks at it */
  POST_READ_REQUEST: 2,
  /** may have the path left as it was sent */
  PRE_TRANSLATE_NAME: 3,
  /** says which file a path stands for */
  TRANSLATE_NAME: 4,
  /** may keep httpd from looking at the file system */
  MAP_TO_STORAGE: 5,
  /** follows when the configuration of the request is known */
  POST_PERDIR_CONFIG: 6,
  /** looks at the headers, of requests that clients sent alone */
  HEADER_PARSER: 7,
  /** refuses by anything but the user */
  ACCESS_CHECKER: 8,
  /** refuses, or grants access without a user */
  ACCESS_CHECKER_EX: 9,
  /** demands a user although access was granted without */
  FORCE_AUTHN: 10,
  /** finds out who the user is */
  CHECK_USER_ID: 11,
  /** says whether the user may */
  AUTH_CHECKER: 12,
  /** sets the type and the handler */
  TYPE_CHECKER: 13,
  /** has the last word before the response */
  FIXUPS: 14,
  /** sets up the filters of a response */
  INSERT_FILTER: 15,
  /** sets up the filters of an error's response */
  INSERT_ERROR_FILTER: 16,
  /** says how the client is to authenticate */
  NOTE_AUTH_FAILURE: 17,
  /** has the request when it is over */
  LOG_TRANSACTION: 18,
  /** checks a user's password */
  CHECK_PASSWORD: 19,
  /** gives the hash of a user, realm and password */
  GET_REALM_HASH: 20,
  /** answers a line Require */
  CHECK_AUTHORIZATION: 21,
  /** changes the body of a response on its way */
  OUTPUT_FILTER: 22,
  /** changes the body of a request on its way */
  INPUT_FILTER: 23,
  /** gives the value of a key */
  MAP: 24,
} as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

export const Fact = {
  /** id of the request in the host's logs */
  REQUEST_ID: 1,
  /** method as the client sent it */
  METHOD: 2,
  /** request target as the client sent it, not unescaped */
  TARGET: 3,
  /** HTTP/1.0, HTTP/1.1 or HTTP/2.0 */
  PROTOCOL: 4,
  /** http or https */
  SCHEME: 5,
  /** name of the virtual host that serves */
  SERVER_NAME: 6,
  /** address of the client, as the host believes it */
  CLIENT_ADDRESS: 7,
  /** port of the client, decimal */
  CLIENT_PORT: 8,
  /** address the client connected to */
  LOCAL_ADDRESS: 9,
  /** port the client connected to, decimal */
  LOCAL_PORT: 10,
  /** authenticated user */
  USER: 11,
  /** scheme that authenticated the user, such as Basic */
  AUTH_TYPE: 12,
  /** path under which the application is mounted, without a slash at the end */
  MOUNT: 13,
  /** such as TLSv1.3 */
  TLS_PROTOCOL: 14,
  /** cipher suite of the connection */
  TLS_CIPHER: 15,
  /** name that the client asked for in SNI */
  TLS_SERVER_NAME: 16,
  /** id of the client's connection, of no other one ever */
  CONNECTION_ID: 17,
  /** 1 when no other request comes on the connection, or some beside this */
  CONNECTION_LAST: 18,
  /** SUCCESS, GENEROUS or FAILED:why, of a client's certificate */
  TLS_CLIENT_VERIFY: 19,
  /** certificate of the client, PEM */
  TLS_CLIENT_CERTIFICATE: 20,
  /** name of the export that is asked; absent: the application itself */
  EXPORT: 21,
} as const;
export type Fact = (typeof Fact)[keyof typeof Fact];

export const EntryTable = {
  /** headers of the request */
  HEADERS_IN: 1,
  /** headers of the response */
  HEADERS_OUT: 2,
  /** headers of the response that stay in one of an error */
  ERR_HEADERS_OUT: 3,
  /** notes between modules */
  NOTES: 4,
  /** environment for CGI, SSI and logs */
  ENV: 5,
  /** options of the configuration, for hooks */
  OPTIONS: 6,
  /** arguments that the configuration gives the hook, without names */
  ARGUMENTS: 7,
  /** fields of the request itself */
  RECORD: 8,
  /** variables of the host that the hook has asked for before */
  VARIABLES: 9,
} as const;
export type EntryTable = (typeof EntryTable)[keyof typeof EntryTable];

export const EntryOperation = {
  /** adds, beside others of the name */
  ADD: 0x00,
  /** replaces all of the name */
  SET: 0x40,
  /** removes all of the name; no value follows */
  UNSET: 0x80,
} as const;
export type EntryOperation = (typeof EntryOperation)[keyof typeof EntryOperation];

export const AskKind = {
  /** value of an expression of the host */
  VARIABLE: 1,
  /** a request of the host to itself */
  SUBREQUEST: 2,
} as const;
export type AskKind = (typeof AskKind)[keyof typeof AskKind];

export const ResultFlag = {
  /** the worker holds state for the request, until it is told to forget */
  STATE: 1,
} as const;
export type ResultFlag = (typeof ResultFlag)[keyof typeof ResultFlag];

export const WireError = {
  /** the frame type is not known */
  UNKNOWN_FRAME: 2,
  /** the payload is longer than its frame type allows */
  TOO_LONG: 3,
  /** a flag or reserved bit that must be zero is set */
  BAD_FLAGS: 4,
  /** the payload does not have the layout of its frame type */
  BAD_PAYLOAD: 5,
  /** the frame is not legal in this state of the exchange */
  OUT_OF_ORDER: 6,
  /** the peer speaks no version that we know */
  BAD_VERSION: 7,
  /** the channel ended in the middle of a frame or of an exchange */
  TRUNCATED: 8,
  /** more body came than was asked for */
  OVER_CREDIT: 9,
  /** the body's length differs from the one declared */
  BAD_LENGTH: 10,
  /** a header has a name or value that HTTP does not allow */
  BAD_FIELD: 11,
  /** the buffer is too small for what is to be encoded */
  NO_SPACE: 12,
  /** a descriptor is missing, one too many, or not of a readable file of that length */
  BAD_FILE: 13,
  /** the worker has no room; the exchange was not begun */
  BUSY: 32,
  /** the worker takes no new exchanges; this one was not begun */
  DRAINING: 33,
  /** the client has gone away */
  CLIENT_GONE: 34,
  /** the answer did not come in time */
  TIMED_OUT: 35,
  /** the application broke off its response */
  APPLICATION: 36,
  /** the worker stops and could not finish the exchange */
  STOPPING: 37,
  /** the application destroyed the connection */
  DESTROYED: 38,
  /** the application kept its worker's event loop from turning, and was terminated */
  STALLED: 39,
} as const;
export type WireError = (typeof WireError)[keyof typeof WireError];

export const LogLevel = {
  /** an error */
  ERROR: 3,
  /** a warning */
  WARN: 4,
  /** a normal but significant event */
  NOTICE: 5,
  /** information */
  INFO: 6,
  /** for debugging */
  DEBUG: 7,
} as const;
export type LogLevel = (typeof LogLevel)[keyof typeof LogLevel];

export const Header = {
  /** Accept */
  ACCEPT: 1,
  /** Accept-Encoding */
  ACCEPT_ENCODING: 2,
  /** Accept-Language */
  ACCEPT_LANGUAGE: 3,
  /** Accept-Ranges */
  ACCEPT_RANGES: 4,
  /** Access-Control-Allow-Origin */
  ACCESS_CONTROL_ALLOW_ORIGIN: 5,
  /** Age */
  AGE: 6,
  /** Allow */
  ALLOW: 7,
  /** Authorization */
  AUTHORIZATION: 8,
  /** Cache-Control */
  CACHE_CONTROL: 9,
  /** Connection */
  CONNECTION: 10,
  /** Content-Disposition */
  CONTENT_DISPOSITION: 11,
  /** Content-Encoding */
  CONTENT_ENCODING: 12,
  /** Content-Language */
  CONTENT_LANGUAGE: 13,
  /** Content-Length */
  CONTENT_LENGTH: 14,
  /** Content-Range */
  CONTENT_RANGE: 15,
  /** Content-Security-Policy */
  CONTENT_SECURITY_POLICY: 16,
  /** Content-Type */
  CONTENT_TYPE: 17,
  /** Cookie */
  COOKIE: 18,
  /** Date */
  DATE: 19,
  /** DNT */
  DNT: 20,
  /** ETag */
  ETAG: 21,
  /** Expect */
  EXPECT: 22,
  /** Expires */
  EXPIRES: 23,
  /** Forwarded */
  FORWARDED: 24,
  /** Host */
  HOST: 25,
  /** If-Match */
  IF_MATCH: 26,
  /** If-Modified-Since */
  IF_MODIFIED_SINCE: 27,
  /** If-None-Match */
  IF_NONE_MATCH: 28,
  /** If-Range */
  IF_RANGE: 29,
  /** If-Unmodified-Since */
  IF_UNMODIFIED_SINCE: 30,
  /** Keep-Alive */
  KEEP_ALIVE: 31,
  /** Last-Modified */
  LAST_MODIFIED: 32,
  /** Link */
  LINK: 33,
  /** Location */
  LOCATION: 34,
  /** Origin */
  ORIGIN: 35,
  /** Pragma */
  PRAGMA: 36,
  /** Priority */
  PRIORITY: 37,
  /** Proxy-Authorization */
  PROXY_AUTHORIZATION: 38,
  /** Range */
  RANGE: 39,
  /** Referer */
  REFERER: 40,
  /** Retry-After */
  RETRY_AFTER: 41,
  /** Sec-CH-UA */
  SEC_CH_UA: 42,
  /** Sec-Fetch-Dest */
  SEC_FETCH_DEST: 43,
  /** Sec-Fetch-Mode */
  SEC_FETCH_MODE: 44,
  /** Sec-Fetch-Site */
  SEC_FETCH_SITE: 45,
  /** Sec-Fetch-User */
  SEC_FETCH_USER: 46,
  /** Server */
  SERVER: 47,
  /** Set-Cookie */
  SET_COOKIE: 48,
  /** Strict-Transport-Security */
  STRICT_TRANSPORT_SECURITY: 49,
  /** TE */
  TE: 50,
  /** Trailer */
  TRAILER: 51,
  /** Transfer-Encoding */
  TRANSFER_ENCODING: 52,
  /** Upgrade */
  UPGRADE: 53,
  /** Upgrade-Insecure-Requests */
  UPGRADE_INSECURE_REQUESTS: 54,
  /** User-Agent */
  USER_AGENT: 55,
  /** Vary */
  VARY: 56,
  /** Via */
  VIA: 57,
  /** WWW-Authenticate */
  WWW_AUTHENTICATE: 58,
  /** X-Content-Type-Options */
  X_CONTENT_TYPE_OPTIONS: 59,
  /** X-Forwarded-For */
  X_FORWARDED_FOR: 60,
  /** X-Forwarded-Proto */
  X_FORWARDED_PROTO: 61,
  /** X-Frame-Options */
  X_FRAME_OPTIONS: 62,
  /** X-Powered-By */
  X_POWERED_BY: 63,
  /** X-Requested-With */
  X_REQUESTED_WITH: 64,
} as const;
export type Header = (typeof Header)[keyof typeof Header];

export const ScoreboardSize = {
  /** words of the header */
  HEADER_WORDS: 32,
  /** words of a slot: one cache line */
  SLOT_WORDS: 16,
  /** first word of the file */
  MAGIC: 0x544e5342,
  /** version of this layout */
  LAYOUT: 2,
  /** groups of exports whose decisions are purged together */
  PURGE_GROUPS: 8,
} as const;
export type ScoreboardSize = (typeof ScoreboardSize)[keyof typeof ScoreboardSize];

export const ScoreboardHeader = {
  /** SCOREBOARD_MAGIC */
  MAGIC: 0,
  /** SCOREBOARD_LAYOUT */
  LAYOUT: 1,
  /** number of slots in this file */
  SLOTS: 2,
  /** 1 when another file has taken this path: map it anew */
  REPLACED: 3,
  /** generation that the pool serves with */
  GENERATION: 4,
  /** pid of the supervisor */
  SUPERVISOR: 5,
  /** 2 words, high and low: decisions of the pool asked for at this time (ms since 1970) or before count no more */
  PURGED: 6,
  /** whether workers are started, see breaker states */
  BREAKER: 8,
  /** CLOCK_MONOTONIC in ms, low 32 bits: OPEN counts until then */
  BREAKER_UNTIL: 9,
  /** 2 words for each purge group, as PURGED: of the exports whose name is in the group */
  EXPORTS_PURGED: 16,
} as const;
export type ScoreboardHeader = (typeof ScoreboardHeader)[keyof typeof ScoreboardHeader];

export const ScoreboardSlot = {
  /** state of the worker, see worker states */
  STATE: 0,
  /** pid of the worker */
  PID: 1,
  /** counts the workers that have filled this slot; written before all else */
  INCARNATION: 2,
  /** generation of the worker */
  GENERATION: 3,
  /** exchanges begun and not finished */
  IN_FLIGHT: 4,
  /** exchanges the worker takes at once */
  CAPACITY: 5,
  /** CLOCK_MONOTONIC in ms, low 32 bits, when the event loop last turned */
  HEARTBEAT: 6,
  /** channels open */
  CHANNELS: 7,
  /** exchanges finished, low 32 bits */
  SERVED: 8,
  /** ms that the event loop has not waited, low 32 bits, up to HEARTBEAT */
  LOOP_ACTIVE: 9,
  /** how the worker ended, see worker endings; written before EXITED */
  ENDING: 14,
  /** its exit code, or the number of the signal */
  ENDING_DETAIL: 15,
} as const;
export type ScoreboardSlot = (typeof ScoreboardSlot)[keyof typeof ScoreboardSlot];

export const WorkerState = {
  /** no worker has filled the slot */
  EMPTY: 0,
  /** spawned, has not loaded its application yet */
  STARTING: 1,
  /** takes exchanges */
  READY: 2,
  /** takes no new exchanges, finishes the open ones */
  DRAINING: 3,
  /** was asked to exit */
  STOPPING: 4,
  /** has exited */
  EXITED: 5,
} as const;
export type WorkerState = (typeof WorkerState)[keyof typeof WorkerState];

export const WorkerEnding = {
  /** it has not ended, or nobody saw how */
  UNKNOWN: 0,
  /** it exited by itself */
  EXITED: 1,
  /** a signal ended it */
  SIGNALED: 2,
  /** it was killed: its event loop did not turn */
  STALLED: 3,
  /** it was killed, or ended itself, for want of memory */
  MEMORY: 4,
  /** it was killed: it had not exited in time */
  OVERDUE: 5,
} as const;
export type WorkerEnding = (typeof WorkerEnding)[keyof typeof WorkerEnding];

export const BreakerState = {
  /** workers are started as they are needed */
  CLOSED: 0,
  /** workers fail one after another: requests that none has room for are refused */
  OPEN: 1,
  /** one worker is tried */
  HALF_OPEN: 2,
} as const;
export type BreakerState = (typeof BreakerState)[keyof typeof BreakerState];

/** The columns of the phases, and their names to the host's configuration and to applications. */
export const phaseRows = [
  {
    phase: 0,
    directive: "handler",
    exported: "handler",
    kind: "RUN_FIRST",
    context: "ANY",
    onError: 0,
  },
  {
    phase: 1,
    directive: "quick_handler",
    exported: "quickHandler",
    kind: "RUN_FIRST",
    context: "SERVER",
    onError: 500,
  },
  {
    phase: 2,
    directive: "post_read_request",
    exported: "postReadRequest",
    kind: "RUN_ALL",
    context: "SERVER",
    onError: 500,
  },
  {
    phase: 3,
    directive: "pre_translate_name",
    exported: "preTranslateName",
    kind: "RUN_FIRST",
    context: "LOCATION",
    onError: 500,
  },
  {
    phase: 4,
    directive: "translate_name",
    exported: "translateName",
    kind: "RUN_FIRST",
    context: "LOCATION",
    onError: 500,
  },
  {
    phase: 5,
    directive: "map_to_storage",
    exported: "mapToStorage",
    kind: "RUN_FIRST",
    context: "SERVER",
    onError: 500,
  },
  {
    phase: 6,
    directive: "post_perdir_config",
    exported: "postPerdirConfig",
    kind: "RUN_ALL",
    context: "ANY",
    onError: 500,
  },
  {
    phase: 7,
    directive: "header_parser",
    exported: "headerParser",
    kind: "RUN_ALL",
    context: "ANY",
    onError: 500,
  },
  {
    phase: 8,
    directive: "access_checker",
    exported: "accessChecker",
    kind: "RUN_ALL",
    context: "ANY",
    onError: 503,
  },
  {
    phase: 9,
    directive: "access_checker_ex",
    exported: "accessCheckerEx",
    kind: "RUN_FIRST",
    context: "ANY",
    onError: 503,
  },
  {
    phase: 10,
    directive: "force_authn",
    exported: "forceAuthn",
    kind: "RUN_FIRST",
    context: "ANY",
    onError: 503,
  },
  {
    phase: 11,
    directive: "check_user_id",
    exported: "checkUserId",
    kind: "RUN_FIRST",
    context: "ANY",
    onError: 503,
  },
  {
    phase: 12,
    directive: "auth_checker",
    exported: "authChecker",
    kind: "RUN_FIRST",
    context: "ANY",
    onError: 503,
  },
  {
    phase: 13,
    directive: "type_checker",
    exported: "typeChecker",
    kind: "RUN_FIRST",
    context: "ANY",
    onError: -1,
  },
  {
    phase: 14,
    directive: "fixups",
    exported: "fixups",
    kind: "RUN_ALL",
    context: "ANY",
    onError: 500,
  },
  {
    phase: 15,
    directive: "insert_filter",
    exported: "insertFilter",
    kind: "VOID",
    context: "ANY",
    onError: -1,
  },
  {
    phase: 16,
    directive: "insert_error_filter",
    exported: "insertErrorFilter",
    kind: "VOID",
    context: "ANY",
    onError: -1,
  },
  {
    phase: 17,
    directive: "note_auth_failure",
    exported: "noteAuthFailure",
    kind: "RUN_FIRST",
    context: "ANY",
    onError: -1,
  },
  {
    phase: 18,
    directive: "log_transaction",
    exported: "logTransaction",
    kind: "RUN_ALL",
    context: "ANY",
    onError: 0,
  },
  {
    phase: 19,
    directive: "check_password",
    exported: "checkPassword",
    kind: "PROVIDER",
    context: "ANY",
    onError: 0,
  },
  {
    phase: 20,
    directive: "get_realm_hash",
    exported: "getRealmHash",
    kind: "PROVIDER",
    context: "ANY",
    onError: 0,
  },
  {
    phase: 21,
    directive: "check_authorization",
    exported: "checkAuthorization",
    kind: "PROVIDER",
    context: "ANY",
    onError: 0,
  },
  {
    phase: 22,
    directive: "output_filter",
    exported: "outputFilter",
    kind: "FILTER",
    context: "ANY",
    onError: 0,
  },
  {
    phase: 23,
    directive: "input_filter",
    exported: "inputFilter",
    kind: "FILTER",
    context: "ANY",
    onError: 0,
  },
  {
    phase: 24,
    directive: "map",
    exported: "map",
    kind: "MAP",
    context: "ANY",
    onError: 0,
  },
] as const;

/** Names of frame types by value. */
export const frameTypeNames: readonly (string | undefined)[] = [
  undefined,
  "HELLO",
  "REQUEST",
  "DATA",
  "PULL",
  "RESPONSE",
  "END",
  "ABORT",
  "CLOSE",
  "LOG",
  "FILE",
  "FIELDS",
  "ASK",
  "REPLY",
  "RESULT",
];

/** Names of facts by value. */
export const factNames: readonly (string | undefined)[] = [
  undefined,
  "REQUEST_ID",
  "METHOD",
  "TARGET",
  "PROTOCOL",
  "SCHEME",
  "SERVER_NAME",
  "CLIENT_ADDRESS",
  "CLIENT_PORT",
  "LOCAL_ADDRESS",
  "LOCAL_PORT",
  "USER",
  "AUTH_TYPE",
  "MOUNT",
  "TLS_PROTOCOL",
  "TLS_CIPHER",
  "TLS_SERVER_NAME",
  "CONNECTION_ID",
  "CONNECTION_LAST",
  "TLS_CLIENT_VERIFY",
  "TLS_CLIENT_CERTIFICATE",
  "EXPORT",
];

/** Names of errors by value. */
export const errorNames: readonly (string | undefined)[] = [
  undefined,
  undefined,
  "UNKNOWN_FRAME",
  "TOO_LONG",
  "BAD_FLAGS",
  "BAD_PAYLOAD",
  "OUT_OF_ORDER",
  "BAD_VERSION",
  "TRUNCATED",
  "OVER_CREDIT",
  "BAD_LENGTH",
  "BAD_FIELD",
  "NO_SPACE",
  "BAD_FILE",
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  "BUSY",
  "DRAINING",
  "CLIENT_GONE",
  "TIMED_OUT",
  "APPLICATION",
  "STOPPING",
  "DESTROYED",
  "STALLED",
];

/** Meanings of errors by value. */
export const errorMeanings: readonly (string | undefined)[] = [
  undefined,
  undefined,
  "the frame type is not known",
  "the payload is longer than its frame type allows",
  "a flag or reserved bit that must be zero is set",
  "the payload does not have the layout of its frame type",
  "the frame is not legal in this state of the exchange",
  "the peer speaks no version that we know",
  "the channel ended in the middle of a frame or of an exchange",
  "more body came than was asked for",
  "the body's length differs from the one declared",
  "a header has a name or value that HTTP does not allow",
  "the buffer is too small for what is to be encoded",
  "a descriptor is missing, one too many, or not of a readable file of that length",
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  "the worker has no room; the exchange was not begun",
  "the worker takes no new exchanges; this one was not begun",
  "the client has gone away",
  "the answer did not come in time",
  "the application broke off its response",
  "the worker stops and could not finish the exchange",
  "the application destroyed the connection",
  "the application kept its worker's event loop from turning, and was terminated",
];

/** Spellings of headers by code. */
export const headerNames: readonly (string | undefined)[] = [
  undefined,
  "Accept",
  "Accept-Encoding",
  "Accept-Language",
  "Accept-Ranges",
  "Access-Control-Allow-Origin",
  "Age",
  "Allow",
  "Authorization",
  "Cache-Control",
  "Connection",
  "Content-Disposition",
  "Content-Encoding",
  "Content-Language",
  "Content-Length",
  "Content-Range",
  "Content-Security-Policy",
  "Content-Type",
  "Cookie",
  "Date",
  "DNT",
  "ETag",
  "Expect",
  "Expires",
  "Forwarded",
  "Host",
  "If-Match",
  "If-Modified-Since",
  "If-None-Match",
  "If-Range",
  "If-Unmodified-Since",
  "Keep-Alive",
  "Last-Modified",
  "Link",
  "Location",
  "Origin",
  "Pragma",
  "Priority",
  "Proxy-Authorization",
  "Range",
  "Referer",
  "Retry-After",
  "Sec-CH-UA",
  "Sec-Fetch-Dest",
  "Sec-Fetch-Mode",
  "Sec-Fetch-Site",
  "Sec-Fetch-User",
  "Server",
  "Set-Cookie",
  "Strict-Transport-Security",
  "TE",
  "Trailer",
  "Transfer-Encoding",
  "Upgrade",
  "Upgrade-Insecure-Requests",
  "User-Agent",
  "Vary",
  "Via",
  "WWW-Authenticate",
  "X-Content-Type-Options",
  "X-Forwarded-For",
  "X-Forwarded-Proto",
  "X-Frame-Options",
  "X-Powered-By",
  "X-Requested-With",
];

/** Names of worker states by value. */
export const workerStateNames: readonly (string | undefined)[] = [
  "EMPTY",
  "STARTING",
  "READY",
  "DRAINING",
  "STOPPING",
  "EXITED",
];
