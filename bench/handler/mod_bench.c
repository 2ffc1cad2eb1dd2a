/* SPDX-License-Identifier: Apache-2.0
 *
 * The floors that the benchmark measures others against. Handler `bench` answers inside httpd: a
 * GET with 12 bytes, a POST with the body that came. Handler `bench-hop:PATH` answers the same GET,
 * but asks a process behind the Unix socket PATH first: one send, one receive, no protocol. Built
 * by bench/build.ts.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <util_filter.h>
#include <apr_strings.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER    "hello world\n"
#define HOP       "bench-hop"
#define HOP_BYTES 300 /* about what the head of a request takes */

/* One connection a thread, kept as long as the thread. */
static __thread int hop = -1;

static int ask_hop(const char *path)
{
    char bytes[HOP_BYTES] = {0};
    if (hop < 0) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        apr_cpystrn(address.sun_path, path, sizeof(address.sun_path));
        hop = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (hop < 0 || connect(hop, (struct sockaddr *)&address, sizeof(address)) != 0)
            return -1;
    }
    if (send(hop, bytes, sizeof(bytes), MSG_NOSIGNAL) != sizeof(bytes))
        return -1;
    return recv(hop, bytes, sizeof(bytes), 0) > 0 ? 0 : -1;
}

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
    if (!r->handler || strncmp(r->handler, "bench", 5) != 0)
        return DECLINED;
    if (!strcmp(r->handler, HOP) && ask_hop(apr_table_get(r->subprocess_env, HOP)) != 0) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, errno, r, "cannot ask");
        return HTTP_BAD_GATEWAY;
    }
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
