/* SPDX-License-Identifier: Apache-2.0
 *
 * Ids of the clients' connections: conn_rec's own are used again as soon as a connection is closed.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_connection.h>
#include <apr_atomic.h>
#include <apr_strings.h>
#include <unistd.h>

#include "exchange/exchange.h"

extern module AP_MODULE_DECLARE_DATA tenon_module;

/* Names this process and its start; a pid alone comes again. */
static const char *process_name = "";
static apr_uint32_t count;

static void name_process(apr_pool_t *p, server_rec *s)
{
    (void)s;
    process_name =
        apr_psprintf(p, "%lx.%" APR_UINT64_T_HEX_FMT, (long)getpid(), (apr_uint64_t)apr_time_now());
}

/* A stream of HTTP/2 is a connection of its own to httpd, but not to its client. */
static int name_connection(conn_rec *c, void *socket)
{
    (void)socket;
    if (!c->master) {
        ap_set_module_config(
            c->conn_config, &tenon_module,
            apr_psprintf(c->pool, "%s.%x", process_name, apr_atomic_inc32(&count)));
    }
    return OK;
}

const char *tenon_connection_id(const conn_rec *c)
{
    return ap_get_module_config((c->master ? c->master : c)->conn_config, &tenon_module);
}

int tenon_connection_last(request_rec *r)
{
    const conn_rec *c = r->connection;
    const server_rec *s = r->server;
    const char *connection = apr_table_get(r->headers_in, "Connection");
    if (c->master || !s->keep_alive ||
        (s->keep_alive_max > 0 && c->keepalives >= s->keep_alive_max)) {
        return 1;
    }
    return r->proto_num < HTTP_VERSION(1, 1)
               ? !connection || !ap_find_token(r->pool, connection, "keep-alive")
               : connection && ap_find_token(r->pool, connection, "close");
}

void tenon_connection_register(void)
{
    ap_hook_child_init(name_process, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_connection(name_connection, NULL, NULL, APR_HOOK_MIDDLE);
}
