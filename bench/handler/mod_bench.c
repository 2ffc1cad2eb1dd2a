/* SPDX-License-Identifier: Apache-2.0
 *
 * The floor that the benchmark measures others against: a handler in C inside httpd. A GET is
 * answered with 12 bytes, a POST with the body that came. Built by bench/build-handler.ts.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_protocol.h>
#include <util_filter.h>

#define ANSWER "hello world\n"

/* Hands the request's body on as it comes, in the buckets that it came in. */
static int echo(request_rec *r)
{
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    const char *length = apr_table_get(r->headers_in, "Content-Length");

    if (length)
        apr_table_setn(r->headers_out, "Content-Length", length);
    for (;;) {
        apr_status_t status =
            ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES, APR_BLOCK_READ, 65536);
        if (status != APR_SUCCESS)
            return ap_map_http_request_error(status, HTTP_BAD_REQUEST);
        const int last = !APR_BRIGADE_EMPTY(bb) && APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(bb));
        if (ap_pass_brigade(r->output_filters, bb) != APR_SUCCESS)
            return AP_FILTER_ERROR;
        apr_brigade_cleanup(bb);
        if (last)
            return OK;
    }
}

static int answer(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, "bench") != 0)
        return DECLINED;
    ap_set_content_type(r, "text/plain");
    if (r->method_number == M_POST)
        return echo(r);
    ap_set_content_length(r, sizeof(ANSWER) - 1);
    ap_rwrite(ANSWER, sizeof(ANSWER) - 1, r);
    return OK;
}

static void register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_handler(answer, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(bench) = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks, AP_MODULE_FLAG_NONE,
};
