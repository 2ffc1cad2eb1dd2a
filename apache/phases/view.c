/* SPDX-License-Identifier: Apache-2.0
 *
 * request_rec -> the entries that a hook gets to see. Facts and headers travel as for every
 * REQUEST.
 */
#include <httpd.h>
#include <http_core.h>
#include <http_request.h>
#include <apr_strings.h>

#include "phases/learned.h"
#include "config/location.h"
#include "phases/phases.h"

/* Fields of request_rec that travel as they are. */
static const struct {
    const char *name;
    size_t offset;
} texts[] = {
    {"the_request", offsetof(request_rec, the_request)},
    {"unparsed_uri", offsetof(request_rec, unparsed_uri)},
    {"uri", offsetof(request_rec, uri)},
    {"args", offsetof(request_rec, args)},
    {"hostname", offsetof(request_rec, hostname)},
    {"filename", offsetof(request_rec, filename)},
    {"path_info", offsetof(request_rec, path_info)},
    {"handler", offsetof(request_rec, handler)},
    {"content_type", offsetof(request_rec, content_type)},
};

void tenon_entry_add(apr_array_header_t *entries, uint8_t table, const char *name,
                     const char *value)
{
    if (value) {
        APR_ARRAY_PUSH(entries, tenon_entry) = (tenon_entry){table, name, value};
    }
}

static void add_record(apr_array_header_t *entries, const char *name, const char *value)
{
    tenon_entry_add(entries, WIRE_TABLE_RECORD, name, value);
}

static void add_table(apr_array_header_t *entries, uint8_t table, const apr_table_t *from)
{
    const apr_array_header_t *rows = from ? apr_table_elts(from) : NULL;
    for (int i = 0; rows && i < rows->nelts; i++) {
        const apr_table_entry_t *row = &APR_ARRAY_IDX(rows, i, apr_table_entry_t);
        tenon_entry_add(entries, table, row->key, row->val);
    }
}

static const char *type_of_file(apr_filetype_e type)
{
    switch (type) {
    case APR_REG:
        return "file";
    case APR_DIR:
        return "directory";
    case APR_NOFILE:
        return "missing";
    default:
        return "other";
    }
}

/* What httpd knows of the file; nothing before map_to_storage. */
static void add_file(apr_array_header_t *entries, const request_rec *r)
{
    const apr_finfo_t *info = &r->finfo;
    if (!r->filename) {
        return;
    }
    add_record(entries, "finfo.type", type_of_file(info->filetype));
    if (info->filetype != APR_NOFILE) {
        add_record(entries, "finfo.size", apr_off_t_toa(r->pool, info->size));
        add_record(entries, "finfo.mtime", apr_off_t_toa(r->pool, info->mtime));
    }
}

static void add_numbers(apr_array_header_t *entries, request_rec *r, wire_phase phase)
{
    add_record(entries, "server_port", apr_itoa(r->pool, ap_get_server_port(r)));
    add_record(entries, "request_time", apr_off_t_toa(r->pool, r->request_time));
    if (phase == WIRE_PHASE_LOG_TRANSACTION) {
        add_record(entries, "bytes_sent", apr_off_t_toa(r->pool, r->bytes_sent));
        add_record(entries, "duration", apr_off_t_toa(r->pool, apr_time_now() - r->request_time));
    }
    if (phase == WIRE_PHASE_LOG_TRANSACTION || phase == WIRE_PHASE_OUTPUT_FILTER ||
        phase == WIRE_PHASE_INPUT_FILTER) {
        add_record(entries, "status", apr_itoa(r->pool, r->status));
    }
}

apr_array_header_t *tenon_view_of(request_rec *r, const tenon_hook *hook,
                                  const apr_array_header_t *extra)
{
    apr_array_header_t *entries = apr_array_make(r->pool, 48, sizeof(tenon_entry));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        add_record(entries, texts[i].name,
                   *(const char *const *)((const char *)r + texts[i].offset));
    }
    add_file(entries, r);
    add_numbers(entries, r, hook->phase);
    add_record(entries, "document_root", ap_document_root(r));
    add_record(entries, "server_admin", r->server->server_admin);
    add_record(entries, "ap_auth_name", ap_auth_name(r));
    add_record(entries, "main", r->main ? "1" : NULL);
    add_record(entries, "prev", r->prev ? "1" : NULL);
    add_record(entries, "initial", r->main || r->prev ? NULL : "1");
    add_record(entries, "state",
               tenon_request_stated(tenon_request_of(r), hook->pool) ? "1" : NULL);
    add_table(entries, WIRE_TABLE_HEADERS_OUT, r->headers_out);
    add_table(entries, WIRE_TABLE_ERR_HEADERS_OUT, r->err_headers_out);
    add_table(entries, WIRE_TABLE_NOTES, r->notes);
    add_table(entries, WIRE_TABLE_ENV, r->subprocess_env);
    add_table(entries, WIRE_TABLE_OPTIONS, tenon_location_options(r, hook->pool_name));
    tenon_learned_add(r, hook, entries);
    if (extra) {
        apr_array_cat(entries, extra);
    }
    return entries;
}
