/* SPDX-License-Identifier: Apache-2.0
 *
 * Interim answers (RFC 9110, 15.2): 100 when the worker reads or its application says so, 102 and
 * 103 as they come.
 */
#include <httpd.h>
#include <http_protocol.h>
#include <apr_strings.h>

#include "exchange/exchange.h"
#include "phases/permit.h"

/* mod_http2 reads interim answers back from text, with lines of at most 8191 bytes. */
#define HTTP2_LINE_MOST 8000

/* Sends at once. httpd knows who must not get it: a client of HTTP/1.0, or 100 without Expect. */
static void send_interim(request_rec *r, int status, const char *line, apr_table_t *headers)
{
    const int final_status = r->status;
    const char *final_line = r->status_line;
    apr_table_t *final_headers = r->headers_out;
    r->status = status;
    r->status_line = line;
    r->headers_out = headers;
    ap_send_interim_response(r, headers != NULL);
    r->status = final_status;
    r->status_line = final_line;
    r->headers_out = final_headers;
}

void tenon_interim_continue(tenon_exchange *x)
{
    if (x->r->expecting_100 && !x->passed) {
        send_interim(x->r, HTTP_CONTINUE, NULL, NULL);
        x->r->expecting_100 = 0;
    }
}

tenon_outcome tenon_interim_answer(tenon_exchange *x, wire_response *response)
{
    request_rec *r = x->r;
    apr_table_t *headers = apr_table_make(r->pool, response->headers);
    const char *line = NULL;
    int error = 0;
    for (unsigned i = 0; i < response->headers; i++) {
        wire_text name;
        wire_text value;
        error = wire_read_header(&response->fields, &name, &value);
        if (error < 0) {
            return tenon_exchange_violation(x, error, "RESPONSE");
        }
        if (!tenon_permit_is_framing(name) &&
            (!r->connection->master || name.length + value.length <= HTTP2_LINE_MOST)) {
            apr_table_addn(headers, apr_pstrmemdup(r->pool, name.at, name.length),
                           apr_pstrmemdup(r->pool, value.at, value.length));
        }
    }
    error = wire_message_end(&response->fields);
    if (error < 0) {
        return tenon_exchange_violation(x, error, "RESPONSE");
    }
    if (response->status == HTTP_CONTINUE) {
        tenon_interim_continue(x);
        return TENON_GOING;
    }
    if (response->reason.length > 0) {
        line = apr_psprintf(r->pool, "%d %.*s", response->status, (int)response->reason.length,
                            response->reason.at);
    }
    send_interim(r, response->status, line, headers);
    return r->connection->aborted ? TENON_CLIENT_GONE : TENON_GOING;
}
