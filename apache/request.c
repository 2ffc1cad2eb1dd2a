/* SPDX-License-Identifier: Apache-2.0
 *
 * request_rec -> REQUEST: facts, headers and the body that is there already.
 */
#include <httpd.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_ssl.h>
#include <apr_strings.h>

#include "wire/bytes.h"
#include "exchange.h"
#include "location.h"
#include "log.h"

#define FACTS_BYTES     1024 /* more than all facts need beside those counted below */
#define FIELD_BYTES     7    /* of a field, beside name and value */
#define EXCHANGE_OFFSET (WIRE_FRAME_HEADER_BYTES + 4)

typedef struct {
    wire_writer writer;
    unsigned count;
} fact_list;

static void add_fact(fact_list *facts, wire_fact fact, const char *value)
{
    if (value && *value) {
        wire_write_fact(&facts->writer, fact, value, strlen(value));
        facts->count++;
    }
}

static void add_number(fact_list *facts, wire_fact fact, long number)
{
    char text[24];
    apr_snprintf(text, sizeof(text), "%ld", number);
    add_fact(facts, fact, text);
}

static void add_tls_facts(fact_list *facts, request_rec *r)
{
    conn_rec *c = r->connection;
    add_fact(facts, WIRE_FACT_TLS_PROTOCOL,
             ap_ssl_var_lookup(r->pool, r->server, c, r, "SSL_PROTOCOL"));
    add_fact(facts, WIRE_FACT_TLS_CIPHER,
             ap_ssl_var_lookup(r->pool, r->server, c, r, "SSL_CIPHER"));
    add_fact(facts, WIRE_FACT_TLS_SERVER_NAME,
             ap_ssl_var_lookup(r->pool, r->server, c, r, "SSL_TLS_SNI"));
}

static void add_facts(fact_list *facts, const tenon_exchange *x, const tenon_target *target)
{
    request_rec *r = x->r;
    const conn_rec *c = r->connection;
    const conn_rec *client = c->master ? c->master : c;
    const char *scheme = ap_http_scheme(r);

    add_fact(facts, WIRE_FACT_REQUEST_ID, x->id);
    add_fact(facts, WIRE_FACT_METHOD, r->method);
    add_fact(facts, WIRE_FACT_TARGET, target->text);
    add_fact(facts, WIRE_FACT_MOUNT, target->mount);
    add_fact(facts, WIRE_FACT_PROTOCOL, r->protocol);
    add_fact(facts, WIRE_FACT_SCHEME, scheme);
    add_fact(facts, WIRE_FACT_SERVER_NAME, ap_get_server_name(r));
    add_fact(facts, WIRE_FACT_CLIENT_ADDRESS, r->useragent_ip);
    add_number(facts, WIRE_FACT_CLIENT_PORT, r->useragent_addr->port);
    add_fact(facts, WIRE_FACT_LOCAL_ADDRESS, c->local_ip);
    add_number(facts, WIRE_FACT_LOCAL_PORT, c->local_addr->port);
    add_number(facts, WIRE_FACT_CONNECTION_ID, client->id);
    add_fact(facts, WIRE_FACT_USER, r->user);
    add_fact(facts, WIRE_FACT_AUTH_TYPE, r->ap_auth_type);
    if (!strcmp(scheme, "https")) {
        add_tls_facts(facts, r);
    }
}

static size_t size_of_head(const request_rec *r, const tenon_target *target)
{
    const apr_array_header_t *headers = apr_table_elts(r->headers_in);
    size_t size = WIRE_FRAME_HEADER_BYTES + WIRE_REQUEST_FIXED_BYTES + FACTS_BYTES +
                  strlen(target->text) + strlen(target->mount) + strlen(r->method) +
                  (r->user ? strlen(r->user) : 0) + strlen(ap_get_server_name((request_rec *)r));
    for (int i = 0; i < headers->nelts; i++) {
        const apr_table_entry_t *header = &APR_ARRAY_IDX(headers, i, apr_table_entry_t);
        size += FIELD_BYTES + strlen(header->key) + strlen(header->val);
    }
    return size;
}

/* Whether the client asks to switch protocols (RFC 9110, 7.8). A stream of HTTP/2 cannot. */
static int wants_upgrade(request_rec *r)
{
    const char *connection = apr_table_get(r->headers_in, "Connection");
    return !r->main && !r->connection->master && r->proto_num >= HTTP_VERSION(1, 1) &&
           apr_table_get(r->headers_in, "Upgrade") && connection &&
           ap_find_token(r->pool, connection, "upgrade");
}

/* Sets body_length and flags from the headers: OK, or the status to answer. */
static int measure_body(tenon_exchange *x)
{
    const char *length = apr_table_get(x->r->headers_in, "Content-Length");
    apr_off_t declared;
    x->body_length = 0;
    if (!ap_request_has_body(x->r)) {
        x->body_read = 1;
        x->flags = wants_upgrade(x->r) ? WIRE_FLAG_UPGRADE : WIRE_FLAG_END;
        return OK;
    }
    if (!length || apr_table_get(x->r->headers_in, "Transfer-Encoding")) {
        x->body_length = WIRE_LENGTH_UNKNOWN;
        return OK;
    }
    if (!ap_parse_strict_length(&declared, length)) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, x->r,
                      "TN0010: " TENON_EXCHANGE_FORMAT "bad Content-Length '%s'",
                      TENON_EXCHANGE_PREFIX(x), length);
        return HTTP_BAD_REQUEST;
    }
    x->body_length = (uint64_t)declared;
    return OK;
}

/* Room for the body that goes with the head, bytes. */
static size_t most_eager(const tenon_exchange *x)
{
    return x->body_length < WIRE_EAGER_BODY_BYTES ? (size_t)x->body_length : WIRE_EAGER_BODY_BYTES;
}

/* Reads what has come of the body behind the head, as a DATA frame (flag END when it is whole). */
static int add_eager_body(tenon_exchange *x, size_t at)
{
    uint8_t *data = x->head + at + WIRE_FRAME_HEADER_BYTES;
    apr_ssize_t got;
    if (x->r->expecting_100) {
        return OK;
    }
    got = tenon_body_read(x, data, most_eager(x));
    if (got < 0) {
        return x->status;
    }
    if (got == 0 && !x->body_read) {
        return OK;
    }
    wire_frame_encode(x->head + at, WIRE_FRAME_DATA, x->body_read ? WIRE_FLAG_END : 0,
                      (uint32_t)got);
    x->head_size += WIRE_FRAME_HEADER_BYTES + (size_t)got;
    x->eager = (uint64_t)got;
    x->ended = x->body_read;
    return OK;
}

int tenon_request_prepare(tenon_exchange *x)
{
    request_rec *r = x->r;
    const apr_array_header_t *headers = apr_table_elts(r->headers_in);
    const tenon_target target = tenon_location_target(r);
    fact_list facts = {.count = 0};
    int size;
    int status = measure_body(x);

    if (status != OK) {
        return status;
    }
    facts.writer.capacity = size_of_head(r, &target);
    x->head = facts.writer.buffer =
        apr_palloc(r->pool, facts.writer.capacity +
                                (x->body_read ? 0 : WIRE_FRAME_HEADER_BYTES + most_eager(x)));
    wire_request_begin(&facts.writer, WIRE_PHASE_HANDLER, 0, x->body_length);
    add_facts(&facts, x, &target);
    for (int i = 0; i < headers->nelts; i++) {
        const apr_table_entry_t *header = &APR_ARRAY_IDX(headers, i, apr_table_entry_t);
        wire_write_header(&facts.writer, header->key, strlen(header->key), header->val,
                          strlen(header->val));
    }
    size = wire_request_finish(&facts.writer, x->flags, facts.count, (unsigned)headers->nelts);
    if (size < 0) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "TN0011: " TENON_EXCHANGE_FORMAT
                      "the head of the request does not fit: %s (%s)",
                      TENON_EXCHANGE_PREFIX(x), wire_error_meaning(-size), wire_error_name(-size));
        return size == -WIRE_ERROR_BAD_FIELD ? HTTP_BAD_REQUEST
                                             : HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
    }
    x->head_size = (size_t)size;
    x->ended = x->body_read;
    return x->body_read ? OK : add_eager_body(x, (size_t)size);
}

void tenon_request_number(tenon_exchange *x, uint32_t exchange)
{
    wire_put_u32(x->head + EXCHANGE_OFFSET, exchange);
}
