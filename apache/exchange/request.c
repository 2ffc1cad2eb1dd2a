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
#include "exchange/exchange.h"
#include "filters/filter.h"
#include "config/location.h"
#include "log.h"

#define EXCHANGE_OFFSET (WIRE_FRAME_HEADER_BYTES + 4)
#define PORT_BYTES      8

/* Gathered before they are written, so that their size is known. */
typedef struct {
    struct {
        wire_fact name;
        const char *value;
        size_t length;
    } facts[WIRE_FACT_EXPORT];
    unsigned count;
    char client_port[PORT_BYTES];
    char local_port[PORT_BYTES];
} fact_list;

static void add_fact(fact_list *list, wire_fact name, const char *value)
{
    if (value && *value) {
        list->facts[list->count].name = name;
        list->facts[list->count].value = value;
        list->facts[list->count++].length = strlen(value);
    }
}

static const char *port_text(char text[PORT_BYTES], apr_port_t port)
{
    apr_snprintf(text, PORT_BYTES, "%u", (unsigned)port);
    /* mod_remoteip knows no port. */
    return port == 0 ? NULL : text;
}

static const char *ssl_variable(request_rec *r, const char *name)
{
    return ap_ssl_var_lookup(r->pool, r->server, r->connection, r, name);
}

static void add_tls_facts(fact_list *list, request_rec *r)
{
    const char *verified = ssl_variable(r, "SSL_CLIENT_VERIFY");
    add_fact(list, WIRE_FACT_TLS_PROTOCOL, ssl_variable(r, "SSL_PROTOCOL"));
    add_fact(list, WIRE_FACT_TLS_CIPHER, ssl_variable(r, "SSL_CIPHER"));
    add_fact(list, WIRE_FACT_TLS_SERVER_NAME, ssl_variable(r, "SSL_TLS_SNI"));
    if (verified && *verified && strcmp(verified, "NONE")) {
        add_fact(list, WIRE_FACT_TLS_CLIENT_VERIFY, verified);
        add_fact(list, WIRE_FACT_TLS_CLIENT_CERTIFICATE, ssl_variable(r, "SSL_CLIENT_CERT"));
    }
}

static void gather_facts(fact_list *list, request_rec *r, const char *export)
{
    const conn_rec *c = r->connection;
    const char *scheme = ap_http_scheme(r);
    const tenon_target target = tenon_location_target(r);

    add_fact(list, WIRE_FACT_REQUEST_ID, tenon_request_of(r)->origin->id);
    add_fact(list, WIRE_FACT_EXPORT, export);
    add_fact(list, WIRE_FACT_METHOD, r->method);
    add_fact(list, WIRE_FACT_TARGET, target.text);
    add_fact(list, WIRE_FACT_MOUNT, target.mount);
    add_fact(list, WIRE_FACT_PROTOCOL, r->protocol);
    add_fact(list, WIRE_FACT_SCHEME, scheme);
    add_fact(list, WIRE_FACT_SERVER_NAME, ap_get_server_name(r));
    add_fact(list, WIRE_FACT_CLIENT_ADDRESS, r->useragent_ip);
    add_fact(list, WIRE_FACT_CLIENT_PORT, port_text(list->client_port, r->useragent_addr->port));
    add_fact(list, WIRE_FACT_LOCAL_ADDRESS, c->local_ip);
    add_fact(list, WIRE_FACT_LOCAL_PORT, port_text(list->local_port, c->local_addr->port));
    add_fact(list, WIRE_FACT_CONNECTION_ID, tenon_connection_id(c));
    add_fact(list, WIRE_FACT_CONNECTION_LAST, tenon_connection_last(r) ? "1" : NULL);
    add_fact(list, WIRE_FACT_USER, r->user);
    add_fact(list, WIRE_FACT_AUTH_TYPE, r->ap_auth_type);
    if (!strcmp(scheme, "https")) {
        add_tls_facts(list, r);
    }
}

static size_t size_of_entries(const apr_array_header_t *entries)
{
    size_t size = 0;
    for (int i = 0; entries && i < entries->nelts; i++) {
        const tenon_entry *entry = &APR_ARRAY_IDX(entries, i, tenon_entry);
        size += TENON_FIELD_BYTES + strlen(entry->name) + strlen(entry->value);
    }
    return size;
}

static size_t size_of_head(const request_rec *r, const fact_list *list)
{
    const apr_array_header_t *headers = apr_table_elts(r->headers_in);
    size_t size = WIRE_FRAME_HEADER_BYTES + WIRE_REQUEST_FIXED_BYTES;
    for (unsigned i = 0; i < list->count; i++) {
        size += TENON_FIELD_BYTES + list->facts[i].length;
    }
    for (int i = 0; i < headers->nelts; i++) {
        const apr_table_entry_t *header = &APR_ARRAY_IDX(headers, i, apr_table_entry_t);
        size += TENON_FIELD_BYTES + strlen(header->key) + strlen(header->val);
    }
    return size;
}

/* The cookies of a client that sends several lines: httpd has joined them with commas before any
 * hook. No cookie holds a comma (RFC 6265, 4.1.1), so one that the name of a cookie follows was the
 * end of a line. */
static const char *separate_cookies(const request_rec *r, const char *joined)
{
    char *cookies = NULL;
    const char *at = joined;
    while ((at = strstr(at, ", ")) != NULL) {
        const char *name = at + 2;
        const char *end = ap_scan_http_token(name);
        if (end > name && *end == '=') {
            if (!cookies) {
                cookies = apr_pstrdup(r->pool, joined);
            }
            cookies[at - joined] = ';';
        }
        at = name;
    }
    return cookies ? cookies : joined;
}

static void write_headers(wire_writer *writer, const request_rec *r)
{
    const apr_array_header_t *headers = apr_table_elts(r->headers_in);
    const char *cookies = apr_table_get(r->headers_in, "Cookie");
    for (int i = 0; i < headers->nelts; i++) {
        const apr_table_entry_t *header = &APR_ARRAY_IDX(headers, i, apr_table_entry_t);
        const char *value = header->val == cookies ? separate_cookies(r, cookies) : header->val;
        wire_write_header(writer, header->key, strlen(header->key), value, strlen(value));
    }
}

static void write_entries(wire_writer *writer, const apr_array_header_t *entries)
{
    for (int i = 0; entries && i < entries->nelts; i++) {
        const tenon_entry *entry = &APR_ARRAY_IDX(entries, i, tenon_entry);
        wire_write_entry(writer, &(wire_entry){.how = entry->how,
                                               .name = {entry->name, strlen(entry->name)},
                                               .value = {entry->value, strlen(entry->value)}});
    }
}

int tenon_request_encode(request_rec *r, const tenon_request_head *head, size_t room,
                         uint8_t **frame)
{
    wire_writer writer = {.failed = 0};
    fact_list list;
    list.count = 0;
    gather_facts(&list, r, head->export);
    writer.capacity = size_of_head(r, &list) + size_of_entries(head->entries);
    *frame = writer.buffer = apr_palloc(r->pool, writer.capacity + room);
    wire_request_begin(&writer, head->phase, 0, head->body_length);
    for (unsigned i = 0; i < list.count; i++) {
        wire_write_fact(&writer, list.facts[i].name, list.facts[i].value, list.facts[i].length);
    }
    write_headers(&writer, r);
    write_entries(&writer, head->entries);
    return wire_request_finish(&writer, head->flags, list.count,
                               (unsigned)apr_table_elts(r->headers_in)->nelts);
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
    if (x->content) {
        tenon_content_measure(x);
        return OK;
    }
    if (x->hook && x->hook->phase != WIRE_PHASE_HANDLER && !x->filter) {
        /* The worker is told that there is no body, whatever the client has to send. */
        x->body_read = !ap_request_has_body(x->r);
        x->flags = WIRE_FLAG_END;
        return OK;
    }
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
    if (x->r->expecting_100 && !x->content) {
        return OK;
    }
    x->eager_body = data;
    got = x->content ? tenon_content_peek(x, data, most_eager(x))
                     : tenon_body_read(x, data, most_eager(x));
    if (got < 0) {
        return x->status;
    }
    if (got == 0 && !x->body_read) {
        return OK;
    }
    x->head_size = tenon_body_frame(x, &x->head, at, (size_t)got);
    x->eager = (uint64_t)got;
    x->ended = x->body_read;
    return OK;
}

int tenon_request_prepare(tenon_exchange *x)
{
    request_rec *r = x->r;
    const tenon_hook *hook = x->hook;
    tenon_request_head head = {.phase = hook ? hook->phase : WIRE_PHASE_HANDLER,
                               .export = hook ? hook->export : NULL,
                               .entries = x->entries};
    size_t room;
    int size;
    const int status = measure_body(x);

    if (status != OK) {
        return status;
    }
    head.flags = x->flags;
    head.body_length = x->body_length;
    x->ended = x->flags != 0;
    /* A hook may decline: another handler gets the body then. */
    room = x->ended || (hook && !x->filter) ? 0 : WIRE_FRAME_HEADER_BYTES + most_eager(x);
    size = tenon_request_encode(r, &head, room, &x->head);
    if (size < 0) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "TN0011: " TENON_EXCHANGE_FORMAT
                      "the head of the request does not fit: %s (%s)",
                      TENON_EXCHANGE_PREFIX(x), wire_error_meaning(-size), wire_error_name(-size));
        return size == -WIRE_ERROR_BAD_FIELD ? HTTP_BAD_REQUEST
                                             : HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
    }
    x->head_size = (size_t)size;
    return room == 0 ? OK : add_eager_body(x, (size_t)size);
}

void tenon_request_number(tenon_exchange *x, uint32_t exchange)
{
    wire_put_u32(x->head + EXCHANGE_OFFSET, exchange);
}
