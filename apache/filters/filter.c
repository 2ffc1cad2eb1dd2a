/* SPDX-License-Identifier: Apache-2.0
 *
 * Puts filters of TypeScript into the chains of a request: those of TenonHook by themselves, those
 * of TenonFilter where other directives name them.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>
#include <ap_expr.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <strings.h>

#include "filters/filter.h"
#include "config/location.h"
#include "log.h"
#include "config/override.h"
#include "phases/phases.h"

#define FILTER_LIMIT "timeout of the filter"

static ap_filter_rec_t *content_filter;
static ap_filter_rec_t *upload_filter;

tenon_filter *tenon_filter_make(request_rec *r, const tenon_hook *hook)
{
    tenon_filter *filter = apr_pcalloc(r->pool, sizeof(*filter));
    filter->hook = hook;
    filter->x.hook = hook;
    filter->x.status = OK;
    return filter;
}

static apr_status_t leave(void *filter)
{
    tenon_exchange_leave(&((tenon_filter *)filter)->x);
    return APR_SUCCESS;
}

/* What an output filter gets to see beside the tables: httpd keeps these apart. */
static apr_array_header_t *headers_apart(request_rec *r)
{
    apr_array_header_t *extra = apr_array_make(r->pool, 2, sizeof(tenon_entry));
    tenon_entry_add(extra, WIRE_TABLE_HEADERS_OUT, "Content-Encoding", r->content_encoding);
    for (int i = 0; r->content_languages && i < r->content_languages->nelts; i++) {
        tenon_entry_add(extra, WIRE_TABLE_HEADERS_OUT, "Content-Language",
                        APR_ARRAY_IDX(r->content_languages, i, const char *));
    }
    return extra;
}

void tenon_filter_init(tenon_filter *filter, ap_filter_t *f)
{
    tenon_exchange *x = &filter->x;
    request_rec *r = f->r;
    x->r = r;
    x->pool = filter->hook->pool;
    x->filter = f;
    x->answer = &filter->answer;
    x->buffer_size = TENON_READ_BYTES;
    x->buffer = apr_palloc(r->pool, x->buffer_size);
    tenon_exchange_init(x);
    x->role = apr_pstrcat(r->pool, tenon_hook_phase_name(filter->hook->phase), " ",
                          filter->hook->export, ": ", NULL);
    x->entries = tenon_view_of(r, filter->hook, x->content ? headers_apart(r) : NULL);
    x->queue_limit = x->answer_limit = (tenon_limit){filter->hook->timeout, FILTER_LIMIT};
    apr_pool_cleanup_register(r->pool, filter, leave, apr_pool_cleanup_null);
}

int tenon_filter_applies(request_rec *r, const tenon_hook *hook)
{
    const char *error = NULL;
    const int applies = hook->when ? ap_expr_exec(r, hook->when, &error) : 1;
    if (!error) {
        return applies != 0;
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                  "TN0131: [%s -1 #%s] %s %s: when= of line %d of %s cannot be evaluated: %s",
                  hook->pool_name, tenon_request_of(r)->origin->id,
                  tenon_hook_phase_name(hook->phase), hook->export, hook->line, hook->file, error);
    return -1;
}

int tenon_filter_failure(request_rec *r, const tenon_filter *filter)
{
    const tenon_hook *counts = filter->hook->on_error > 0 ? filter->hook : NULL;
    const int status = tenon_exchange_failure(r, counts, filter->x.status);
    return ap_is_HTTP_ERROR(status) ? status : HTTP_INTERNAL_SERVER_ERROR;
}

apr_status_t tenon_filter_abandon(tenon_filter *filter)
{
    const tenon_exchange *x = &filter->x;
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, x->r,
                  "TN0132: " TENON_EXCHANGE_FORMAT "the client has gone away",
                  TENON_EXCHANGE_PREFIX(x));
    return x->downstream != APR_SUCCESS ? x->downstream : APR_ECONNABORTED;
}

/* Runs before the handler. */
static int init_content(ap_filter_t *f)
{
    if (!f->ctx) {
        return OK;
    }
    tenon_conditions_suspend(f->r);
    return OK;
}

static int init_upload(ap_filter_t *f)
{
    return f->ctx ? tenon_upload_begin(f) : OK;
}

/* Filters of TenonFilter. httpd's filter_init functions are not told their filter's name, and those
 * of mod_filter's providers find another's in f->frec: each has one of its own. */
#define TENON_SLOTS(X) \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define MOST_NAMED 16

static struct {
    const char *name; /* lower case */
    tenon_hook *hook;
} named[MOST_NAMED];

static int init_named(ap_filter_t *f, int slot)
{
    f->ctx = tenon_filter_make(f->r, named[slot].hook);
    return named[slot].hook->phase == WIRE_PHASE_OUTPUT_FILTER ? init_content(f) : init_upload(f);
}

/* clang-format off */
#define TENON_SLOT(n) static int init_named_##n(ap_filter_t *f) { return init_named(f, n); }
TENON_SLOTS(TENON_SLOT)
#undef TENON_SLOT
#define TENON_SLOT(n) init_named_##n,
static const ap_init_filter_func init_functions[MOST_NAMED] = {TENON_SLOTS(TENON_SLOT)};
#undef TENON_SLOT
/* clang-format on */

tenon_filter *tenon_filter_named(const ap_filter_t *f)
{
    for (int i = 0; i < MOST_NAMED; i++) {
        if (named[i].name && !strcmp(named[i].name, f->frec->name)) {
            return tenon_filter_make(f->r, named[i].hook);
        }
    }
    return NULL;
}

static void register_named(int slot)
{
    if (named[slot].hook->phase == WIRE_PHASE_OUTPUT_FILTER) {
        ap_register_output_filter(named[slot].name, tenon_content_filter, init_functions[slot],
                                  AP_FTYPE_RESOURCE);
    } else {
        ap_register_input_filter(named[slot].name, tenon_upload_filter, init_functions[slot],
                                 AP_FTYPE_RESOURCE);
    }
}

const char *tenon_filter_set(cmd_parms *cmd, void *dummy, const char *args)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    char *name = ap_getword_conf(cmd->pool, &args);
    const char *direction = ap_getword_conf(cmd->pool, &args);
    const char *target = ap_getword_conf(cmd->pool, &args);
    const int output = !strcasecmp(direction, "output");
    int slot = 0;
    (void)dummy;
    if (error) {
        return error;
    }
    if (!*target || (!output && strcasecmp(direction, "input"))) {
        return "TenonFilter takes a name, a direction and a pool: write TenonFilter <name> "
               "output|input <pool>[#<export>]";
    }
    ap_str_tolower(name);
    while (slot < MOST_NAMED && named[slot].name) {
        if (!strcmp(named[slot].name, name)) {
            return apr_psprintf(cmd->pool, "TenonFilter: there is a filter '%s' already (line %d)",
                                name, named[slot].hook->line);
        }
        slot++;
    }
    if (slot == MOST_NAMED) {
        return apr_psprintf(cmd->pool,
                            "TenonFilter: there are %d filters already: write TenonHook "
                            "output_filter where it is to run instead",
                            MOST_NAMED);
    }
    if (output ? ap_get_output_filter_handle(name) != NULL
               : ap_get_input_filter_handle(name) != NULL) {
        return apr_psprintf(cmd->pool, "TenonFilter: another module has a filter '%s'", name);
    }
    named[slot].hook = tenon_hook_parse(
        cmd, target, args, output ? WIRE_PHASE_OUTPUT_FILTER : WIRE_PHASE_INPUT_FILTER, &error);
    if (error) {
        return error;
    }
    named[slot].name = name;
    register_named(slot);
    return NULL;
}

void tenon_filter_begin(apr_pool_t *p)
{
    (void)p;
    memset(named, 0, sizeof(named));
}

/* The i-th hook of a location when it is a filter of that kind and order; NULL otherwise. */
static const tenon_hook *hook_at(request_rec *r, const tenon_location *here, int i,
                                 wire_phase phase, tenon_order order)
{
    const tenon_hook *hook = APR_ARRAY_IDX(here->hooks, i, const tenon_hook *);
    /* An .htaccess that names a pool which it may not refuses the request, whose error page comes
     * here too. */
    return hook->phase == phase && hook->order == order &&
                   (!hook->htaccess || tenon_override_permits(r, hook->pool_name))
               ? hook
               : NULL;
}

/* Whether an internal redirect has brought a filter along. */
static int is_there(const request_rec *r, const tenon_hook *hook)
{
    const ap_filter_t *f = r->input_filters;
    while (f && !(f->frec == upload_filter && ((const tenon_filter *)f->ctx)->hook == hook)) {
        f = f->next;
    }
    return f != NULL;
}

/* httpd puts what is added later behind what is there: nearer to the client. What is configured
 * first is to work first. */
static void insert_uploads(request_rec *r, const tenon_location *here, tenon_order order)
{
    for (int i = here->hooks->nelts - 1; i >= 0; i--) {
        const tenon_hook *hook = hook_at(r, here, i, WIRE_PHASE_INPUT_FILTER, order);
        if (hook && !is_there(r, hook)) {
            ap_add_input_filter_handle(upload_filter, tenon_filter_make(r, hook), r, r->connection);
        }
    }
}

static void insert_content(request_rec *r, const tenon_location *here, tenon_order order,
                           int errors)
{
    for (int i = 0; i < here->hooks->nelts; i++) {
        const tenon_hook *hook = hook_at(r, here, i, WIRE_PHASE_OUTPUT_FILTER, order);
        if (hook && (!errors || hook->errors)) {
            ap_add_output_filter_handle(content_filter, tenon_filter_make(r, hook), r,
                                        r->connection);
        }
    }
}

static void insert(request_rec *r, tenon_order order)
{
    const tenon_location *here = tenon_location_of(r);
    if (here->hooked >> WIRE_PHASE_INPUT_FILTER & 1 && !r->main && ap_request_has_body(r)) {
        insert_uploads(r, here, order);
    }
    if (here->hooked >> WIRE_PHASE_OUTPUT_FILTER & 1) {
        insert_content(r, here, order, 0);
    }
}

static void insert_early(request_rec *r)
{
    insert(r, TENON_EARLY);
}

static void insert_middle(request_rec *r)
{
    insert(r, TENON_MIDDLE);
}

static void insert_late(request_rec *r)
{
    insert(r, TENON_LATE);
}

/* An error page that tells of a failed filter is not filtered by the same. */
static void insert_error(request_rec *r)
{
    const tenon_location *here = tenon_location_of(r);
    if (here->hooked >> WIRE_PHASE_OUTPUT_FILTER & 1 &&
        !apr_table_get(r->notes, TENON_FAILED_NOTE)) {
        for (int order = TENON_EARLY; order <= TENON_LATE; order++) {
            insert_content(r, here, (tenon_order)order, 1);
        }
    }
}

void tenon_filter_register(void)
{
    content_filter = ap_register_output_filter("TENON_CONTENT", tenon_content_filter, init_content,
                                               AP_FTYPE_RESOURCE);
    upload_filter = ap_register_input_filter("TENON_UPLOAD", tenon_upload_filter, init_upload,
                                             AP_FTYPE_RESOURCE);
    tenon_conditions_register();
    ap_hook_insert_filter(insert_early, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_insert_filter(insert_middle, NULL, NULL, APR_HOOK_LAST);
    ap_hook_insert_filter(insert_late, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_insert_error_filter(insert_error, NULL, NULL, APR_HOOK_LAST);
}
