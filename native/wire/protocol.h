/* SPDX-License-Identifier: Apache-2.0
 *
 * The definition of the hop. Every number that both ends share is a row of one of the tables below:
 * name, value, meaning. ts/wire/protocol.ts is generated from this file (npm run gen);
 * docs/protocol.md describes each row. One row a line: the generator reads lines. A released value
 * is never used again.
 */
#ifndef WIRE_PROTOCOL_H
#define WIRE_PROTOCOL_H

/* clang-format off */

/* Numbers: sizes in bytes unless the meaning says otherwise. */
#define WIRE_NUMBERS(X)                                                                             \
    X(VERSION, 1, "version of the protocol that HELLO carries")                                     \
    X(FRAME_HEADER_BYTES, 8, "size of the frame header before every payload")                       \
    X(HELLO_BYTES, 32, "size of the payload of HELLO")                                              \
    X(REQUEST_FIXED_BYTES, 16, "size of the fixed part of REQUEST, before facts and headers")       \
    X(MAX_MESSAGE_BYTES, 262144, "longest payload of any frame but DATA")                           \
    X(MAX_DATA_BYTES, 1048576, "longest payload of DATA")                                           \
    X(EAGER_BODY_BYTES, 65536, "request body that a host may send without being asked")             \
    X(FILTER_CREDIT_BYTES, 262144, "credit that a filter has open whenever it waits for more body")  \
    X(MAX_HEADERS, 2000, "most headers or trailers in one frame")                                   \
    X(CLAIMS_PER_SLOT, 1024, "claim words of a slot, so most channels open to a worker at once")    \
    X(CLAIM_NUMBER_BITS, 12, "low bits of a claim word that count exchanges; the rest name the channel")

/* Frame types. The meaning names the direction: w is the worker, h the host. */
#define WIRE_FRAME_TYPES(X)                                                                         \
    X(HELLO, 0x01, "w>h: opens a channel; says who serves it and where its claim word is")          \
    X(REQUEST, 0x02, "h>w: begins an exchange: phase, facts, headers")                              \
    X(DATA, 0x03, "both: a chunk of a body")                                                        \
    X(PULL, 0x04, "w>h: asks for more request body (credit in bytes)")                              \
    X(RESPONSE, 0x05, "w>h: status, reason and headers; interim when 1xx, but 101 opens a tunnel")  \
    X(END, 0x06, "both: normal finish of one direction, with the body's length and trailers")       \
    X(ABORT, 0x07, "both: abrupt finish of the exchange and of the channel, with an error")         \
    X(CLOSE, 0x08, "both: the sender leaves: a worker begins nothing more, a tunnel is to end")      \
    X(LOG, 0x09, "w>h: a line for the error log of the virtual host that is served")                \
    X(FILE, 0x0a, "w>h: a piece of a body, read from the file whose descriptor came along")         \
    X(FIELDS, 0x0b, "w>h: changes to the request, as entries")                                      \
    X(ASK, 0x0c, "w>h: a question about the request, or a subrequest")                              \
    X(REPLY, 0x0d, "h>w: the answer to the oldest ASK that has none")                               \
    X(RESULT, 0x0e, "w>h: what a hook returned, and its changes; ends the exchange")

/* Flags of a frame header. All other bits must be zero. */
#define WIRE_FLAGS(X)                                                                               \
    X(END, 0x01, "on REQUEST, RESPONSE, DATA and FILE: this direction finishes with this frame; on REPLY: nothing follows") \
    X(UPGRADE, 0x02, "on REQUEST: the client asks to switch protocols; DATA follows only behind 101")

/* Phases a REQUEST can ask for. Values are bit numbers in HELLO's set of phases (0 to 63). Columns:
 * how a host takes the results; the narrowest section of its configuration that the phase sees; what
 * counts when a hook fails (a status, -1: go on without it, 0: the phase's own way). */
#define WIRE_PHASES(X)                                                                              \
    X(HANDLER, 0, RUN_FIRST, ANY, 0, "produces the response")                                       \
    X(QUICK_HANDLER, 1, RUN_FIRST, SERVER, 500, "may answer before anything else, access checks too") \
    X(POST_READ_REQUEST, 2, RUN_ALL, SERVER, 500, "has the request as it was read, before httpd looks at it") \
    X(PRE_TRANSLATE_NAME, 3, RUN_FIRST, LOCATION, 500, "may have the path left as it was sent")     \
    X(TRANSLATE_NAME, 4, RUN_FIRST, LOCATION, 500, "says which file a path stands for")             \
    X(MAP_TO_STORAGE, 5, RUN_FIRST, SERVER, 500, "may keep httpd from looking at the file system")  \
    X(POST_PERDIR_CONFIG, 6, RUN_ALL, ANY, 500, "follows when the configuration of the request is known") \
    X(HEADER_PARSER, 7, RUN_ALL, ANY, 500, "looks at the headers, of requests that clients sent alone") \
    X(ACCESS_CHECKER, 8, RUN_ALL, ANY, 503, "refuses by anything but the user")                     \
    X(ACCESS_CHECKER_EX, 9, RUN_FIRST, ANY, 503, "refuses, or grants access without a user")        \
    X(FORCE_AUTHN, 10, RUN_FIRST, ANY, 503, "demands a user although access was granted without")   \
    X(CHECK_USER_ID, 11, RUN_FIRST, ANY, 503, "finds out who the user is")                          \
    X(AUTH_CHECKER, 12, RUN_FIRST, ANY, 503, "says whether the user may")                           \
    X(TYPE_CHECKER, 13, RUN_FIRST, ANY, -1, "sets the type and the handler")                        \
    X(FIXUPS, 14, RUN_ALL, ANY, 500, "has the last word before the response")                       \
    X(INSERT_FILTER, 15, VOID, ANY, -1, "sets up the filters of a response")                        \
    X(INSERT_ERROR_FILTER, 16, VOID, ANY, -1, "sets up the filters of an error's response")         \
    X(NOTE_AUTH_FAILURE, 17, RUN_FIRST, ANY, -1, "says how the client is to authenticate")          \
    X(LOG_TRANSACTION, 18, RUN_ALL, ANY, 0, "has the request when it is over")                      \
    X(CHECK_PASSWORD, 19, PROVIDER, ANY, 0, "checks a user's password")                             \
    X(GET_REALM_HASH, 20, PROVIDER, ANY, 0, "gives the hash of a user, realm and password")         \
    X(CHECK_AUTHORIZATION, 21, PROVIDER, ANY, 0, "answers a line Require")                          \
    X(OUTPUT_FILTER, 22, FILTER, ANY, 0, "changes the body of a response on its way")               \
    X(INPUT_FILTER, 23, FILTER, ANY, 0, "changes the body of a request on its way")                 \
    X(MAP, 24, MAP, ANY, 0, "gives the value of a key")

/* Facts of a request: what the host knows, as fields and not as forged headers. */
#define WIRE_FACTS(X)                                                                               \
    X(REQUEST_ID, 1, "id of the request in the host's logs")                                        \
    X(METHOD, 2, "method as the client sent it")                                                    \
    X(TARGET, 3, "request target as the client sent it, not unescaped")                             \
    X(PROTOCOL, 4, "HTTP/1.0, HTTP/1.1 or HTTP/2.0")                                                \
    X(SCHEME, 5, "http or https")                                                                   \
    X(SERVER_NAME, 6, "name of the virtual host that serves")                                       \
    X(CLIENT_ADDRESS, 7, "address of the client, as the host believes it")                          \
    X(CLIENT_PORT, 8, "port of the client, decimal")                                                \
    X(LOCAL_ADDRESS, 9, "address the client connected to")                                          \
    X(LOCAL_PORT, 10, "port the client connected to, decimal")                                      \
    X(USER, 11, "authenticated user")                                                               \
    X(AUTH_TYPE, 12, "scheme that authenticated the user, such as Basic")                           \
    X(MOUNT, 13, "path under which the application is mounted, without a slash at the end")         \
    X(TLS_PROTOCOL, 14, "such as TLSv1.3")                                                          \
    X(TLS_CIPHER, 15, "cipher suite of the connection")                                             \
    X(TLS_SERVER_NAME, 16, "name that the client asked for in SNI")                                 \
    X(CONNECTION_ID, 17, "id of the client's connection, of no other one ever")                     \
    X(CONNECTION_LAST, 18, "1 when no other request comes on the connection, or some beside this")  \
    X(TLS_CLIENT_VERIFY, 19, "SUCCESS, GENEROUS or FAILED:why, of a client's certificate")          \
    X(TLS_CLIENT_CERTIFICATE, 20, "certificate of the client, PEM")                                 \
    X(EXPORT, 21, "name of the export that is asked; absent: the application itself")

/* Tables of entries: what a hook sees of a request and changes. Low six bits of an entry's first byte. */
#define WIRE_TABLES(X)                                                                              \
    X(HEADERS_IN, 1, "headers of the request")                                                      \
    X(HEADERS_OUT, 2, "headers of the response")                                                    \
    X(ERR_HEADERS_OUT, 3, "headers of the response that stay in one of an error")                   \
    X(NOTES, 4, "notes between modules")                                                            \
    X(ENV, 5, "environment for CGI, SSI and logs")                                                  \
    X(OPTIONS, 6, "options of the configuration, for hooks")                                        \
    X(ARGUMENTS, 7, "arguments that the configuration gives the hook, without names")               \
    X(RECORD, 8, "fields of the request itself")                                                    \
    X(VARIABLES, 9, "variables of the host that the hook has asked for before")

/* What an entry does to its table. Top two bits of an entry's first byte; a host only adds. */
#define WIRE_OPERATIONS(X)                                                                          \
    X(ADD, 0x00, "adds, beside others of the name")                                                 \
    X(SET, 0x40, "replaces all of the name")                                                        \
    X(UNSET, 0x80, "removes all of the name; no value follows")

/* Questions of ASK. */
#define WIRE_ASKS(X)                                                                                \
    X(VARIABLE, 1, "value of an expression of the host")                                            \
    X(SUBREQUEST, 2, "a request of the host to itself")

/* Bits of RESULT's flags. */
#define WIRE_RESULT_FLAGS(X)                                                                        \
    X(STATE, 1, "the worker holds state for the request, until it is told to forget")

/* Errors of the codec and reasons in ABORT. C functions return them negated; 1 is taken by WIRE_PARTIAL. */
#define WIRE_ERRORS(X)                                                                              \
    X(UNKNOWN_FRAME, 2, "the frame type is not known")                                              \
    X(TOO_LONG, 3, "the payload is longer than its frame type allows")                              \
    X(BAD_FLAGS, 4, "a flag or reserved bit that must be zero is set")                              \
    X(BAD_PAYLOAD, 5, "the payload does not have the layout of its frame type")                     \
    X(OUT_OF_ORDER, 6, "the frame is not legal in this state of the exchange")                      \
    X(BAD_VERSION, 7, "the peer speaks no version that we know")                                    \
    X(TRUNCATED, 8, "the channel ended in the middle of a frame or of an exchange")                 \
    X(OVER_CREDIT, 9, "more body came than was asked for")                                          \
    X(BAD_LENGTH, 10, "the body's length differs from the one declared")                            \
    X(BAD_FIELD, 11, "a header has a name or value that HTTP does not allow")                       \
    X(NO_SPACE, 12, "the buffer is too small for what is to be encoded")                            \
    X(BAD_FILE, 13, "a descriptor is missing, one too many, or not of a readable file of that length") \
    X(BUSY, 32, "the worker has no room; the exchange was not begun")                               \
    X(DRAINING, 33, "the worker takes no new exchanges; this one was not begun")                    \
    X(CLIENT_GONE, 34, "the client has gone away")                                                  \
    X(TIMED_OUT, 35, "the answer did not come in time")                                             \
    X(APPLICATION, 36, "the application broke off its response")                                    \
    X(STOPPING, 37, "the worker stops and could not finish the exchange")                           \
    X(DESTROYED, 38, "the application destroyed the connection")                                    \
    X(STALLED, 39, "the application kept its worker's event loop from turning, and was terminated")

/* Levels of LOG, as in syslog and httpd. */
#define WIRE_LOG_LEVELS(X)                                                                          \
    X(ERROR, 3, "an error")                                                                         \
    X(WARN, 4, "a warning")                                                                         \
    X(NOTICE, 5, "a normal but significant event")                                                  \
    X(INFO, 6, "information")                                                                       \
    X(DEBUG, 7, "for debugging")

/* Header names that travel as one byte when spelled exactly like this; 0 means that the name follows. */
#define WIRE_HEADERS(X)                                                                             \
    X(ACCEPT, 1, "Accept")                                                                          \
    X(ACCEPT_ENCODING, 2, "Accept-Encoding")                                                        \
    X(ACCEPT_LANGUAGE, 3, "Accept-Language")                                                        \
    X(ACCEPT_RANGES, 4, "Accept-Ranges")                                                            \
    X(ACCESS_CONTROL_ALLOW_ORIGIN, 5, "Access-Control-Allow-Origin")                                \
    X(AGE, 6, "Age")                                                                                \
    X(ALLOW, 7, "Allow")                                                                            \
    X(AUTHORIZATION, 8, "Authorization")                                                            \
    X(CACHE_CONTROL, 9, "Cache-Control")                                                            \
    X(CONNECTION, 10, "Connection")                                                                 \
    X(CONTENT_DISPOSITION, 11, "Content-Disposition")                                               \
    X(CONTENT_ENCODING, 12, "Content-Encoding")                                                     \
    X(CONTENT_LANGUAGE, 13, "Content-Language")                                                     \
    X(CONTENT_LENGTH, 14, "Content-Length")                                                         \
    X(CONTENT_RANGE, 15, "Content-Range")                                                           \
    X(CONTENT_SECURITY_POLICY, 16, "Content-Security-Policy")                                       \
    X(CONTENT_TYPE, 17, "Content-Type")                                                             \
    X(COOKIE, 18, "Cookie")                                                                         \
    X(DATE, 19, "Date")                                                                             \
    X(DNT, 20, "DNT")                                                                               \
    X(ETAG, 21, "ETag")                                                                             \
    X(EXPECT, 22, "Expect")                                                                         \
    X(EXPIRES, 23, "Expires")                                                                       \
    X(FORWARDED, 24, "Forwarded")                                                                   \
    X(HOST, 25, "Host")                                                                             \
    X(IF_MATCH, 26, "If-Match")                                                                     \
    X(IF_MODIFIED_SINCE, 27, "If-Modified-Since")                                                   \
    X(IF_NONE_MATCH, 28, "If-None-Match")                                                           \
    X(IF_RANGE, 29, "If-Range")                                                                     \
    X(IF_UNMODIFIED_SINCE, 30, "If-Unmodified-Since")                                               \
    X(KEEP_ALIVE, 31, "Keep-Alive")                                                                 \
    X(LAST_MODIFIED, 32, "Last-Modified")                                                           \
    X(LINK, 33, "Link")                                                                             \
    X(LOCATION, 34, "Location")                                                                     \
    X(ORIGIN, 35, "Origin")                                                                         \
    X(PRAGMA, 36, "Pragma")                                                                         \
    X(PRIORITY, 37, "Priority")                                                                     \
    X(PROXY_AUTHORIZATION, 38, "Proxy-Authorization")                                               \
    X(RANGE, 39, "Range")                                                                           \
    X(REFERER, 40, "Referer")                                                                       \
    X(RETRY_AFTER, 41, "Retry-After")                                                               \
    X(SEC_CH_UA, 42, "Sec-CH-UA")                                                                   \
    X(SEC_FETCH_DEST, 43, "Sec-Fetch-Dest")                                                         \
    X(SEC_FETCH_MODE, 44, "Sec-Fetch-Mode")                                                         \
    X(SEC_FETCH_SITE, 45, "Sec-Fetch-Site")                                                         \
    X(SEC_FETCH_USER, 46, "Sec-Fetch-User")                                                         \
    X(SERVER, 47, "Server")                                                                         \
    X(SET_COOKIE, 48, "Set-Cookie")                                                                 \
    X(STRICT_TRANSPORT_SECURITY, 49, "Strict-Transport-Security")                                   \
    X(TE, 50, "TE")                                                                                 \
    X(TRAILER, 51, "Trailer")                                                                       \
    X(TRANSFER_ENCODING, 52, "Transfer-Encoding")                                                   \
    X(UPGRADE, 53, "Upgrade")                                                                       \
    X(UPGRADE_INSECURE_REQUESTS, 54, "Upgrade-Insecure-Requests")                                   \
    X(USER_AGENT, 55, "User-Agent")                                                                 \
    X(VARY, 56, "Vary")                                                                             \
    X(VIA, 57, "Via")                                                                               \
    X(WWW_AUTHENTICATE, 58, "WWW-Authenticate")                                                     \
    X(X_CONTENT_TYPE_OPTIONS, 59, "X-Content-Type-Options")                                         \
    X(X_FORWARDED_FOR, 60, "X-Forwarded-For")                                                       \
    X(X_FORWARDED_PROTO, 61, "X-Forwarded-Proto")                                                   \
    X(X_FRAME_OPTIONS, 62, "X-Frame-Options")                                                       \
    X(X_POWERED_BY, 63, "X-Powered-By")                                                             \
    X(X_REQUESTED_WITH, 64, "X-Requested-With")

/* The scoreboard: a file of 32-bit words in the machine's byte order (docs/protocol.md). A header of
 * SCOREBOARD_HEADER_WORDS, then the slots of SCOREBOARD_SLOT_WORDS each, then CLAIMS_PER_SLOT claim words a slot. */
#define WIRE_SCOREBOARD_SIZES(X)                                                                    \
    X(HEADER_WORDS, 32, "words of the header")                                                      \
    X(SLOT_WORDS, 16, "words of a slot: one cache line")                                            \
    X(MAGIC, 0x544e5342, "first word of the file")                                                  \
    X(LAYOUT, 2, "version of this layout")                                                          \
    X(PURGE_GROUPS, 8, "groups of exports whose decisions are purged together")

/* Words of the header. */
#define WIRE_SCOREBOARD_HEADER(X)                                                                   \
    X(MAGIC, 0, "SCOREBOARD_MAGIC")                                                                 \
    X(LAYOUT, 1, "SCOREBOARD_LAYOUT")                                                               \
    X(SLOTS, 2, "number of slots in this file")                                                     \
    X(REPLACED, 3, "1 when another file has taken this path: map it anew")                          \
    X(GENERATION, 4, "generation that the pool serves with")                                        \
    X(SUPERVISOR, 5, "pid of the supervisor")                                                       \
    X(PURGED, 6, "2 words, high and low: decisions of the pool asked for at this time (ms since 1970) or before count no more") \
    X(BREAKER, 8, "whether workers are started, see breaker states")                                \
    X(BREAKER_UNTIL, 9, "CLOCK_MONOTONIC in ms, low 32 bits: OPEN counts until then")               \
    X(EXPORTS_PURGED, 16, "2 words for each purge group, as PURGED: of the exports whose name is in the group")

/* Words of a slot. */
#define WIRE_SCOREBOARD_SLOT(X)                                                                     \
    X(STATE, 0, "state of the worker, see worker states")                                           \
    X(PID, 1, "pid of the worker")                                                                  \
    X(INCARNATION, 2, "counts the workers that have filled this slot; written before all else")     \
    X(GENERATION, 3, "generation of the worker")                                                    \
    X(IN_FLIGHT, 4, "exchanges begun and not finished")                                             \
    X(CAPACITY, 5, "exchanges the worker takes at once")                                            \
    X(HEARTBEAT, 6, "CLOCK_MONOTONIC in ms, low 32 bits, when the event loop last turned")          \
    X(CHANNELS, 7, "channels open")                                                                 \
    X(SERVED, 8, "exchanges finished, low 32 bits")                                                 \
    X(LOOP_ACTIVE, 9, "ms that the event loop has not waited, low 32 bits, up to HEARTBEAT")        \
    X(ENDING, 14, "how the worker ended, see worker endings; written before EXITED")                \
    X(ENDING_DETAIL, 15, "its exit code, or the number of the signal")

#define WIRE_WORKER_STATES(X)                                                                       \
    X(EMPTY, 0, "no worker has filled the slot")                                                    \
    X(STARTING, 1, "spawned, has not loaded its application yet")                                   \
    X(READY, 2, "takes exchanges")                                                                  \
    X(DRAINING, 3, "takes no new exchanges, finishes the open ones")                                \
    X(STOPPING, 4, "was asked to exit")                                                             \
    X(EXITED, 5, "has exited")

#define WIRE_WORKER_ENDINGS(X)                                                                      \
    X(UNKNOWN, 0, "it has not ended, or nobody saw how")                                            \
    X(EXITED, 1, "it exited by itself")                                                             \
    X(SIGNALED, 2, "a signal ended it")                                                             \
    X(STALLED, 3, "it was killed: its event loop did not turn")                                     \
    X(MEMORY, 4, "it was killed, or ended itself, for want of memory")                              \
    X(OVERDUE, 5, "it was killed: it had not exited in time")

#define WIRE_BREAKER_STATES(X)                                                                      \
    X(CLOSED, 0, "workers are started as they are needed")                                          \
    X(OPEN, 1, "workers fail one after another: requests that none has room for are refused")       \
    X(HALF_OPEN, 2, "one worker is tried")

/* clang-format on */

#define WIRE_ENUM_ROW(prefix, name, value) prefix##name = value,

#define WIRE_ROW(name, value, meaning) WIRE_ENUM_ROW(WIRE_, name, value)
enum { WIRE_NUMBERS(WIRE_ROW) WIRE_PARTIAL = -1 };
#undef WIRE_ROW
#define WIRE_ROW(name, value, meaning) WIRE_ENUM_ROW(WIRE_FRAME_, name, value)
typedef enum { WIRE_FRAME_TYPES(WIRE_ROW) } wire_frame_type;
#undef WIRE_ROW
#define WIRE_ROW(name, value, meaning) WIRE_ENUM_ROW(WIRE_FLAG_, name, value)
enum { WIRE_FLAGS(WIRE_ROW) };
#undef WIRE_ROW
#define WIRE_ROW(name, value, kind, context, on_error, meaning) \
    WIRE_ENUM_ROW(WIRE_PHASE_, name, value)
typedef enum { WIRE_PHASES(WIRE_ROW) } wire_phase;
#undef WIRE_ROW
#define WIRE_ROW(name, value, meaning) WIRE_ENUM_ROW(WIRE_FACT_, name, value)
typedef enum { WIRE_FACTS(WIRE_ROW) } wire_fact;
#undef WIRE_ROW
#define WIRE_ROW(name, value, meaning) WIRE_ENUM_ROW(WIRE_TABLE_, name, value)
typedef enum { WIRE_TABLES(WIRE_ROW) } wire_table;
#undef WIRE_ROW
#define WIRE_ROW(name, value, meaning) WIRE_ENUM_ROW(WIRE_OPERATION_, name, value)
typedef enum { WIRE_OPERATIONS(WIRE_ROW) } wire_operation;
#undef WIRE_ROW
#define WIRE_ROW(name, value, meaning) WIRE_ENUM_ROW(WIRE_ASK_, name, value)
typedef enum { WIRE_ASKS(WIRE_ROW) } wire_ask_kind;
#undef WIRE_ROW
#define WIRE_ROW(name, value, meaning) WIRE_ENUM_ROW(WIRE_RESULT_FLAG_, name, value)
enum { WIRE_RESULT_FLAGS(WIRE_ROW) };
#undef WIRE_ROW
#define WIRE_ROW(name, value, meaning) WIRE_ENUM_ROW(WIRE_ERROR_, name, value)
typedef enum { WIRE_ERRORS(WIRE_ROW) } wire_error;
#undef WIRE_ROW
#define WIRE_ROW(name, value, meaning) WIRE_ENUM_ROW(WIRE_LOG_, name, value)
typedef enum { WIRE_LOG_LEVELS(WIRE_ROW) } wire_log_level;
#undef WIRE_ROW
#define WIRE_ROW(name, value, meaning) WIRE_ENUM_ROW(WIRE_HEADER_, name, value)
typedef enum { WIRE_HEADERS(WIRE_ROW) } wire_header;
#undef WIRE_ROW
#define WIRE_ROW(name, value, meaning) WIRE_ENUM_ROW(WIRE_SCOREBOARD_, name, value)
enum { WIRE_SCOREBOARD_SIZES(WIRE_ROW) };
#undef WIRE_ROW
#define WIRE_ROW(name, value, meaning) WIRE_ENUM_ROW(WIRE_BOARD_, name, value)
typedef enum { WIRE_SCOREBOARD_HEADER(WIRE_ROW) } wire_board_word;
#undef WIRE_ROW
#define WIRE_ROW(name, value, meaning) WIRE_ENUM_ROW(WIRE_SLOT_, name, value)
typedef enum { WIRE_SCOREBOARD_SLOT(WIRE_ROW) } wire_slot_word;
#undef WIRE_ROW
#define WIRE_ROW(name, value, meaning) WIRE_ENUM_ROW(WIRE_STATE_, name, value)
typedef enum { WIRE_WORKER_STATES(WIRE_ROW) } wire_worker_state;
#undef WIRE_ROW
#define WIRE_ROW(name, value, meaning) WIRE_ENUM_ROW(WIRE_ENDING_, name, value)
typedef enum { WIRE_WORKER_ENDINGS(WIRE_ROW) } wire_worker_ending;
#undef WIRE_ROW
#define WIRE_ROW(name, value, meaning) WIRE_ENUM_ROW(WIRE_BREAKER_, name, value)
typedef enum { WIRE_BREAKER_STATES(WIRE_ROW) } wire_breaker_state;
#undef WIRE_ROW

#endif
