/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <ap_expr.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <string.h>

#include "config/location.h"
#include "log.h"
#include "phases/phases.h"
#include "decisions/varied.h"

/* Expressions that a child keeps compiled; a hook that makes up new ones is not for a cache. */
#define MOST_EXPRESSIONS 256

#ifdef AP_EXPR_FLAG_RESTRICTED_FILE_FUNC /* 2.4.66 */
#define RESTRICTED (AP_EXPR_FLAG_RESTRICTED | AP_EXPR_FLAG_RESTRICTED_FILE_FUNC)
#else
#define RESTRICTED AP_EXPR_FLAG_RESTRICTED
#endif

typedef struct {
    request_rec *r;
    const tenon_hook *hook;
    const apr_array_header_t *extra;
    const char *argument; /* what follows the colon of a name, or "" */
    const char *value;
} question;

static struct {
    apr_thread_mutex_t *mutex; /* guards all of it */
    apr_pool_t *pool;
    apr_hash_t *compiled; /* text to ap_expr_info_t, one without filename when it was in error */
} expressions;

/* What a hook is asked with under a name, or NULL. */
static const char *asked_with(const question *q, const char *name)
{
    for (int i = 0; q->extra && i < q->extra->nelts; i++) {
        const tenon_entry *entry = &APR_ARRAY_IDX(q->extra, i, tenon_entry);
        if (!strcmp(entry->name, name)) {
            return entry->value;
        }
    }
    return NULL;
}

static int header(question *q)
{
    q->value = apr_table_getm(q->r->pool, q->r->headers_in, q->argument);
    return 0;
}

static int option(question *q)
{
    const apr_table_t *options = tenon_location_options(q->r, q->hook->pool->name);
    q->value = options ? apr_table_get(options, q->argument) : NULL;
    return 0;
}

static int user(question *q)
{
    q->value = q->r->user;
    return 0;
}

static int uri(question *q)
{
    q->value = q->r->uri;
    return 0;
}

static int args(question *q)
{
    q->value = q->r->args;
    return 0;
}

static int client(question *q)
{
    q->value = q->r->useragent_ip;
    return 0;
}

static int method(question *q)
{
    q->value = q->r->method;
    return 0;
}

static int hostname(question *q)
{
    q->value = q->r->hostname;
    return 0;
}

static int password(question *q)
{
    const char *name;
    q->value = asked_with(q, "password");
    if (!q->value && ap_get_basic_auth_components(q->r, &name, &q->value) != APR_SUCCESS) {
        q->value = NULL;
    }
    return 0;
}

static int realm(question *q)
{
    q->value = asked_with(q, "realm");
    if (!q->value) {
        q->value = ap_auth_name(q->r);
    }
    return 0;
}

/* All that a hook is asked with is in the key anyway. */
static int argument(question *q)
{
    (void)q;
    return 0;
}

/* An expression made ready in this child, or NULL. Mutex held. */
static const ap_expr_info_t *compile(request_rec *r, const char *text)
{
    ap_expr_info_t *info = apr_hash_get(expressions.compiled, text, APR_HASH_KEY_STRING);
    const char *error;
    if (info) {
        return info->filename ? info : NULL;
    }
    if (apr_hash_count(expressions.compiled) >= MOST_EXPRESSIONS) {
        return NULL;
    }
    info = apr_pcalloc(expressions.pool, sizeof(*info));
    info->filename = "the cache of decisions";
    info->module_index = APLOG_MODULE_INDEX;
    /* The worker has made it up: nothing that reads files, and no Vary for the client. */
    info->flags = AP_EXPR_FLAG_STRING_RESULT | AP_EXPR_FLAG_DONT_VARY | RESTRICTED;
    error =
        ap_expr_parse(expressions.pool, r->pool, info, apr_pstrdup(expressions.pool, text), NULL);
    apr_hash_set(expressions.compiled, apr_pstrdup(expressions.pool, text), APR_HASH_KEY_STRING,
                 info);
    if (error) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "TN0090: a decision varies on the expression '%s', which httpd does not "
                      "understand: %s: it is not kept",
                      text, error);
        info->filename = NULL;
        return NULL;
    }
    return info;
}

static int expression(question *q)
{
    const ap_expr_info_t *info;
    const char *error = NULL;
    apr_thread_mutex_lock(expressions.mutex);
    info = compile(q->r, q->argument);
    apr_thread_mutex_unlock(expressions.mutex);
    if (!info) {
        return -1;
    }
    q->value = ap_expr_str_exec(q->r, info, &error);
    return error ? -1 : 0;
}

typedef struct {
    const char *name; /* with a colon at its end when an argument follows */
    int (*value_of)(question *q);
} varied_row;

static const varied_row rows[] = {
    {"header:", header},   {"user", user},         {"uri", uri},           {"args", args},
    {"client", client},    {"method", method},     {"hostname", hostname}, {"option:", option},
    {"expr:", expression}, {"password", password}, {"realm", realm},       {"argument", argument},
};

/* The row of a name, and what follows its colon. */
static const varied_row *row_of(const char *name, const char **behind)
{
    const char *colon = strchr(name, ':');
    const size_t length = colon ? (size_t)(colon - name) + 1 : strlen(name);
    *behind = name + length;
    if (colon && !**behind) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strlen(rows[i].name) == length && !memcmp(rows[i].name, name, length)) {
            return &rows[i];
        }
    }
    return NULL;
}

int tenon_varied_known(const char *name)
{
    const char *behind;
    return row_of(name, &behind) != NULL;
}

int tenon_varied_value(request_rec *r, const tenon_hook *hook, const apr_array_header_t *extra,
                       const char *name, const char **value)
{
    question q = {.r = r, .hook = hook, .extra = extra};
    const varied_row *row = row_of(name, &q.argument);
    if (!row || row->value_of(&q)) {
        return -1;
    }
    *value = q.value;
    return 0;
}

void tenon_varied_child_init(apr_pool_t *p, server_rec *s)
{
    (void)s;
    apr_pool_create(&expressions.pool, p);
    apr_thread_mutex_create(&expressions.mutex, APR_THREAD_MUTEX_DEFAULT, p);
    expressions.compiled = apr_hash_make(expressions.pool);
}
