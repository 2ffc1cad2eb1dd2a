/* SPDX-License-Identifier: Apache-2.0
 *
 * One phase of a request on its way through the hop. request.c makes the first bytes, body.c sends
 * what the worker asks for, response.c passes an answer on, result.c takes what a hook returned,
 * converse.c moves the bytes, wait.c waits for more, run.c decides what becomes of a channel that
 * breaks. handler.c and ask.c run one on the stack of the thread that handles the request; that of
 * a filter (filter.h) lives as long as the request and goes on whenever httpd has something for it.
 */
#ifndef TENON_EXCHANGE_H
#define TENON_EXCHANGE_H

#include <httpd.h>
#include <util_filter.h>
#include <apr_buckets.h>
#include "exchange/channel.h"
#include "config/config.h"
#include "config/hook.h"
#include "phases/memo.h"
#include "phases/phases.h"
#include "wire/reader.h"

/* Bytes of the reading buffer, on the stack: all of an answer that has come is taken by one read.
 */
#define TENON_READ_BYTES 81920
/* The same for a hook, which seldom answers with more than a result. */
#define TENON_HOOK_READ_BYTES 8192

/* Bytes of a field in a frame, beside name and value. */
#define TENON_FIELD_BYTES 7

/* How an attempt, or the whole exchange, ended. */
typedef enum {
    TENON_GOING,    /* not yet */
    TENON_COMPLETE, /* the answer is passed on whole */
    TENON_BROKEN, /* the channel broke or the worker refused: run.c decides whether to try again */
    TENON_FAILED, /* `status` is to be answered; already logged */
    TENON_CLIENT_GONE, /* nobody is left to answer */
} tenon_outcome;

/* How long may be waited for something, and what says so. */
typedef struct {
    int ms;
    const char *name;
} tenon_limit;

typedef struct {
    request_rec *r;
    tenon_request *request;
    tenon_pool *pool;
    const tenon_hook *hook; /* NULL: the application itself is the handler */
    const char *role;       /* of the hook, before all that is logged; "" for an application */
    tenon_limit queue_limit;
    tenon_limit answer_limit;
    int limited; /* answer_limit counts from the beginning, not from the last progress */
    tenon_channel *channel;
    wire_reader reader;
    int status; /* HTTP status of TENON_FAILED */

    /* What a worker gets first: REQUEST and the body that is there already. Kept to be sent again.
     */
    uint8_t *head;
    size_t head_size;
    uint8_t flags; /* of REQUEST */

    uint8_t *buffer; /* of the reader at first */
    size_t buffer_size;
    int attempts;
    tenon_hold hold; /* of the thread */

    /* Of a filter. */
    ap_filter_t *filter;         /* in whose place of the chain it runs; NULL: no filter */
    apr_bucket_brigade *content; /* of an output filter: what is not sent yet; NULL: another's body
                                    is the client's */
    apr_status_t downstream;     /* what the next filter said last */

    /* Request body, beyond the eager part. */
    apr_bucket_brigade *input;
    uint64_t body_length; /* WIRE_LENGTH_UNKNOWN when only the end tells */
    uint64_t body_sent;   /* bytes, the eager part included */
    uint64_t eager;       /* bytes of the eager part */
    const uint8_t *eager_body;
    uint64_t asked;  /* bytes the worker has asked for in all, the eager part included */
    int body_read;   /* the client's body is read to its end */
    int tunnel;      /* 101 was passed on: both sides are bytes of another protocol now */
    int left;        /* the worker knows that this process ends, and a tunnel with it */
    int half_closed; /* the client has ended its side, but may have sent the whole body before */
    int ended;       /* END is sent, or on its way in `out` */
    uint8_t *out;    /* frames on their way to the worker */
    size_t out_size;
    size_t out_sent;

    /* What the worker has asked meanwhile. */
    apr_array_header_t *questions; /* the first is being answered; NULL: none */
    int replying;                  /* a subrequest's response is on its way to the worker */
    uint64_t reply_asked;          /* bytes of its body that the worker takes in all */

    /* What a hook is told and says. */
    const apr_array_header_t *entries; /* tenon_entry, for the worker */
    apr_array_header_t *changes;       /* tenon_entry, as they came; NULL: none */
    int applied;                       /* so many of the changes */
    tenon_answer *answer;
    int muted;        /* this phase, or this subrequest, cannot send an answer */
    int muted_status; /* of the answer that was not sent */

    /* Response. */
    apr_bucket_brigade *output;
    int answered;        /* the final RESPONSE has come */
    int destroyed;       /* the application wants the client's connection ended */
    int passed;          /* something went down the output filters */
    int unflushed;       /* something went down since the last flush */
    int bodiless;        /* HEAD, 204, 304 */
    uint64_t declared;   /* by Content-Length, or WIRE_LENGTH_UNKNOWN */
    uint64_t received;   /* bytes of its body */
    int files;           /* FILEs that came */
    uint64_t file_bytes; /* bytes of the last FILE */
    int descriptor;      /* that came and waits for its FILE, or -1 */
    int surplus;         /* a descriptor came while one waited, or had no room here */

    /* When a channel broke. */
    int refused;      /* CLOSE, or ABORT for BUSY or DRAINING: not begun for certain */
    int deaths;       /* workers that ended while they worked on this */
    uint64_t avoid;   /* slots not to be used again */
    apr_time_t began; /* when the request came here */
    apr_time_t heard; /* last progress in either direction */
    uint64_t noted;   /* `received` when that was looked at last */
} tenon_exchange;

/* connection.c */
/* Id of the client's connection, never used again; all streams of HTTP/2 have their session's. */
const char *tenon_connection_id(const conn_rec *c);
/* Whether httpd closes the connection behind this request, as far as it knows now, or has others
 * beside it (HTTP/2). */
int tenon_connection_last(request_rec *r);
void tenon_connection_register(void);

/* What makes a REQUEST, beside the request. */
typedef struct {
    uint8_t phase;
    uint8_t flags;
    const char *export;                /* NULL: the application itself */
    const apr_array_header_t *entries; /* tenon_entry; NULL: none */
    uint64_t body_length;
} tenon_request_head;

/* request.c */
/* A REQUEST with the exchange number 0, and `room` bytes behind it: its size, or a wire error
 * negated. */
int tenon_request_encode(request_rec *r, const tenon_request_head *head, size_t room,
                         uint8_t **frame);
/* The bytes that go first. OK, or the HTTP status to answer (logged). */
int tenon_request_prepare(tenon_exchange *x);
/* Numbers the REQUEST in `head` for the channel it goes on next. */
void tenon_request_number(tenon_exchange *x, uint32_t exchange);

/* body.c */
/* Reads what is there of the body without waiting, at most `most` bytes, into `to`: bytes, or -1
 * (see x->status). */
apr_ssize_t tenon_body_read(tenon_exchange *x, uint8_t *to, size_t most);
/* Makes a DATA frame of `data` bytes that stand behind `used` bytes and room for its header in
 * `*frames`; behind the last of the body, END with trailers too (`*frames` is another buffer then):
 * bytes used now. */
size_t tenon_body_frame(const tenon_exchange *x, uint8_t **frames, size_t used, size_t data);
/* Forwards body that the worker has asked for, as far as it goes without waiting. */
tenon_outcome tenon_body_forward(tenon_exchange *x);
/* Sends what waits in `out`: GOING also when the worker's socket is full. */
tenon_outcome tenon_body_send(tenon_exchange *x);
/* 1 when the worker waits for body that the client has not sent yet. */
int tenon_body_wanted(const tenon_exchange *x);

/* response.c */
/* Handles one frame of the worker's answer. */
tenon_outcome tenon_response_frame(tenon_exchange *x, const wire_frame *frame);
/* Passes down the rest of a complete answer. Its channel may be another's by now. */
tenon_outcome tenon_response_finish(tenon_exchange *x);
/* Passes down what has been collected; `flush` lets nothing wait in httpd. */
tenon_outcome tenon_response_pass(tenon_exchange *x, int flush);
/* Closes the client's connection, or resets its stream, without an answer. */
void tenon_response_drop(tenon_exchange *x);
/* Ends an answer that cannot be completed so that the client sees it (P3). */
void tenon_response_truncate(tenon_exchange *x);
/* Has the client's connection closed with a reset: an end of file would look like the end of a body
 * without length. */
void tenon_response_reset(conn_rec *c);
/* Has httpd cut no ranges out of this body. */
void tenon_response_leave_ranges(request_rec *r);

/* file.c */
void tenon_file_register(void);
/* Reads from the channel, as recv; a descriptor that comes along waits for its FILE. */
ssize_t tenon_file_receive(tenon_exchange *x, uint8_t *to, size_t room, int flags);
/* Handles FILE. */
tenon_outcome tenon_file_frame(tenon_exchange *x, const wire_frame *frame);
/* Closes a descriptor that no FILE took. */
void tenon_file_drop(tenon_exchange *x);
/* FAILED: httpd's limit of open files is reached. */
tenon_outcome tenon_file_out_of_descriptors(tenon_exchange *x);
/* 1 when a file is all of a body of which ranges may be served, and nothing was passed down yet. */
int tenon_file_is_body(const tenon_exchange *x);
/* Makes httpd's byte-range filter fit for a file, and judges the request's conditions by the
 * validators that the application set: OK, or the status to answer with. */
int tenon_file_conditions(request_rec *r);

/* interim.c */
/* The client that asked for leave to send its body gets it. */
void tenon_interim_continue(tenon_exchange *x);
/* Passes an interim RESPONSE on. */
tenon_outcome tenon_interim_answer(tenon_exchange *x, wire_response *response);

/* amend.c */
/* Keeps Content-Type and Content-Length of an answer without body, and Vary as it was written. */
void tenon_amend_head(tenon_exchange *x);
/* Sends r->trailers_out behind a body in chunks. mod_http2 does it by itself. */
void tenon_amend_trailers(tenon_exchange *x);
void tenon_amend_register(void);

/* asked.c, subrequest.c */
/* Handles ASK. */
tenon_outcome tenon_asked_frame(tenon_exchange *x, const wire_frame *frame);
/* Whether a request is a subrequest whose response goes to a worker, not to the client. */
int tenon_asked_for(const request_rec *r);
void tenon_asked_register(void);

/* result.c */
/* Handles RESULT and FIELDS. */
tenon_outcome tenon_result_frame(tenon_exchange *x, const wire_frame *frame);
/* Applies the changes that have come. */
void tenon_result_apply(tenon_exchange *x);
/* Applies all changes of the answer's headers again, to headers that were read behind them. */
void tenon_result_apply_headers(tenon_exchange *x);
/* Makes the request ready for an answer of the worker, in whichever phase that comes. */
void tenon_result_open_answer(tenon_exchange *x);
/* Takes a RESPONSE that is not passed on. */
tenon_outcome tenon_result_mute(tenon_exchange *x, wire_response *response);

/* run.c */
/* Fills in what r, hook, pool and role do not say. */
void tenon_exchange_init(tenon_exchange *x);
/* Time-outs as configured for the pool. */
void tenon_exchange_use_pool_limits(tenon_exchange *x);
/* Runs a prepared exchange to its end, on as many workers as it takes. */
tenon_outcome tenon_exchange_run(tenon_exchange *x);
/* Lets the exchange of a filter go on by `converse`, which says GOING when it is to be called again
 * with more: GOING, or how it ended. */
tenon_outcome tenon_exchange_go_on(tenon_exchange *x, tenon_outcome (*converse)(tenon_exchange *x));
/* Whether it is that of an input filter, whose answer goes to who reads the request's body. */
int tenon_exchange_uploads(const tenon_exchange *x);
/* Ends the exchange of a filter whose request is over. */
void tenon_exchange_leave(tenon_exchange *x);
/* What a phase returns for a failure: the status, or what its hook (NULL: none) has for that. */
int tenon_exchange_failure(request_rec *r, const tenon_hook *hook, int status);
/* Ends a failed answer for the client: OK, or what the phase returns for the failure. */
int tenon_exchange_finish(tenon_exchange *x, tenon_outcome outcome);
/* What comes of a failure, for the log: "503", or what a hook's on-error says. */
const char *tenon_exchange_consequence(const tenon_exchange *x, int status);

/* breaker.c */
/* FAILED: the pool's workers fail one after another (503). */
tenon_outcome tenon_breaker_refuse(tenon_exchange *x);
/* Why the pool's workers fail, as the supervisor has written it down; "" when it has not. */
const char *tenon_breaker_reason(const tenon_pool *pool, apr_pool_t *p);

/* ended.c */
/* How the worker ended whose channel broke, for the log: "worker 123 exited with code 1". Waits
 * shortly for the supervisor to tell. */
const char *tenon_exchange_ended(const tenon_exchange *x);

/* converse.c */
/* Sends the head. A channel that does not take it whole is broken: what was sent is judged by the
 * claim. */
tenon_outcome tenon_exchange_send_head(tenon_exchange *x);
/* Reads from the worker, without waiting or shortly (`flags`), and handles what came. `*came` says
 * whether anything did. */
tenon_outcome tenon_exchange_receive(tenon_exchange *x, int flags, int *came);
/* Runs an exchange whose head is sent until it ends one way or the other. */
tenon_outcome tenon_exchange_converse(tenon_exchange *x);
/* Sends what waits in `out`, handles what comes of the worker, or waits for either. */
tenon_outcome tenon_exchange_step(tenon_exchange *x);
/* FAILED with an HTTP status. */
tenon_outcome tenon_exchange_fail(tenon_exchange *x, int status);
/* Logs a protocol error of the worker, tells it, and says how the exchange goes on. */
tenon_outcome tenon_exchange_violation(tenon_exchange *x, int error, const char *frame);
/* Tells the worker why its channel is closed now. */
void tenon_exchange_send_abort(const tenon_exchange *x, wire_error error);

/* wait.c */
/* Waits until the worker or the client has something, time is over, or this process is to end. */
tenon_outcome tenon_exchange_wait(tenon_exchange *x);
/* Until when the exchange may wait for what it waits for now; 0 when for ever. */
apr_time_t tenon_exchange_deadline(const tenon_exchange *x);
tenon_outcome tenon_exchange_timed_out(tenon_exchange *x);

/* handler.c */
void tenon_handler_register(void);

#endif
