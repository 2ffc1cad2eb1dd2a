/* SPDX-License-Identifier: Apache-2.0
 *
 * Filters of TypeScript: exchanges whose bodies run both ways. content.c filters what httpd answers
 * (output), upload.c what the client sends (input), filter.c puts both where they belong, and
 * conditions.c has conditional and range requests judged behind them.
 */
#ifndef TENON_FILTER_H
#define TENON_FILTER_H

#include <httpd.h>
#include <http_config.h>
#include <util_filter.h>

#include "exchange/exchange.h"
#include "config/hook.h"

/* Set for a request whose answer failed in a filter. */
#define TENON_FAILED_NOTE "tenon-filter-failed"

/* One filter in the chain of a request: f->ctx of httpd's. */
typedef struct {
    tenon_exchange x; /* x.r is NULL before it begins */
    tenon_answer answer;
    const tenon_hook *hook;
    int over;                    /* nothing is to be filtered any more */
    apr_bucket_brigade *held;    /* output: metadata that waits for the head */
    int dropped;                 /* output: what went with the head is gone from x.content */
    int failing;                 /* output: the content ends with an error of its own */
    apr_bucket_brigade *ready;   /* input: filtered, not read yet */
    int waits;                   /* input: the reader may be kept waiting */
    int framed;                  /* input: httpd has read what frames the client's body */
    const char *length, *coding; /* input: what frames the client's body; hidden from handlers */
} tenon_filter;

tenon_filter *tenon_filter_make(request_rec *r, const tenon_hook *hook);

/* That of TenonFilter which httpd has put into a chain without its init function. */
tenon_filter *tenon_filter_named(const ap_filter_t *f);

/* Prepares the exchange of a filter for `f`. */
void tenon_filter_init(tenon_filter *filter, ap_filter_t *f);

/* Whether a filter is to run by its `when`: 1, 0, or -1 when that cannot be told (logged). */
int tenon_filter_applies(request_rec *r, const tenon_hook *hook);

/* Status of the error that a failed filter answers with. */
int tenon_filter_failure(request_rec *r, const tenon_filter *filter);

/* Takes note that nobody is left to filter for: what httpd's filters return then. */
apr_status_t tenon_filter_abandon(tenon_filter *filter);

/* content.c: the output filter. */
apr_status_t tenon_content_filter(ap_filter_t *f, apr_bucket_brigade *bb);
/* Sets body_length, flags and body_read from what has come of the content. */
void tenon_content_measure(tenon_exchange *x);
/* Copies what is in memory, or in a small file, at the front of the content: bytes. */
apr_ssize_t tenon_content_peek(tenon_exchange *x, uint8_t *to, size_t most);
/* Moves what is there of the content without waiting into x->input. */
apr_status_t tenon_content_fetch(tenon_exchange *x, apr_off_t most);

/* upload.c: the input filter. */
apr_status_t tenon_upload_filter(ap_filter_t *f, apr_bucket_brigade *bb, ap_input_mode_t mode,
                                 apr_read_type_e block, apr_off_t most);
/* Asks it before the handler begins: OK, or a status. */
int tenon_upload_begin(ap_filter_t *f);
/* Moves what the worker sent to where the reader finds it. */
tenon_outcome tenon_upload_collect(tenon_exchange *x);
/* Reads the client's body for an input filter. */
apr_status_t tenon_upload_fetch(tenon_exchange *x, apr_off_t most);
/* The exchange of the next input filter towards the client that is under way, or NULL. */
const tenon_exchange *tenon_upload_before(const tenon_exchange *x);

/* conditions.c */
/* Keeps conditions and ranges of a request from its handler until its filters have run. */
void tenon_conditions_suspend(request_rec *r);
void tenon_conditions_register(void);

/* filter.c: directive TenonFilter. */
const char *tenon_filter_set(cmd_parms *cmd, void *dummy, const char *args);
void tenon_filter_begin(apr_pool_t *p);
void tenon_filter_register(void);

#endif
