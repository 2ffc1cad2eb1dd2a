/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <apr_buckets.h>
#include <apr_file_info.h>
#include <string.h>

#include "exchange/exchange.h"
#include "log.h"
#include "maintenance.h"

#define RETRY_AFTER_S "30"

int tenon_maintenance_is_on(request_rec *r, const tenon_pool *pool)
{
    apr_finfo_t info;
    apr_status_t status;
    if (!pool->maintenance) {
        return 0;
    }
    status = apr_stat(&info, pool->maintenance, APR_FINFO_TYPE, r->pool);
    if (APR_STATUS_IS_ENOENT(status) || APR_STATUS_IS_ENOTDIR(status)) {
        return 0;
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  "TN0264: [%s #%s] maintenance: 503 as long as %s is there", pool->name,
                  tenon_request_of(r)->origin->id, pool->maintenance);
    return 1;
}

static const char *type_of(const char *path)
{
    static const struct {
        const char *suffix;
        const char *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".htm", "text/html; charset=utf-8"},
        {".json", "application/json"},
        {".xml", "application/xml"},
    };
    const char *suffix = strrchr(path, '.');
    for (size_t i = 0; suffix && i < sizeof(types) / sizeof(types[0]); i++) {
        if (!strcasecmp(suffix, types[i].suffix)) {
            return types[i].type;
        }
    }
    return "text/plain; charset=utf-8";
}

int tenon_maintenance_answer(request_rec *r, const tenon_pool *pool)
{
    apr_file_t *file;
    apr_finfo_t info;
    apr_bucket_brigade *page;
    if (!tenon_maintenance_is_on(r, pool)) {
        return DECLINED;
    }
    apr_table_setn(r->err_headers_out, "Retry-After", RETRY_AFTER_S);
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    if (apr_file_open(&file, pool->maintenance, APR_READ | APR_SENDFILE_ENABLED, APR_OS_DEFAULT,
                      r->pool) != APR_SUCCESS ||
        apr_file_info_get(&info, APR_FINFO_TYPE | APR_FINFO_SIZE, file) != APR_SUCCESS ||
        info.filetype != APR_REG || info.size == 0) {
        return HTTP_SERVICE_UNAVAILABLE;
    }
    ap_discard_request_body(r);
    r->status = HTTP_SERVICE_UNAVAILABLE;
    r->status_line = NULL;
    ap_set_content_type(r, type_of(pool->maintenance));
    ap_set_content_length(r, info.size);
    page = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_brigade_insert_file(page, file, 0, info.size, r->pool);
    APR_BRIGADE_INSERT_TAIL(page, apr_bucket_eos_create(r->connection->bucket_alloc));
    return ap_pass_brigade(r->output_filters, page) == APR_SUCCESS ? OK : AP_FILTER_ERROR;
}
