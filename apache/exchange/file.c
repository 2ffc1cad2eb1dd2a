/* SPDX-License-Identifier: Apache-2.0
 *
 * FILE: a body that the worker hands over as an open descriptor. What comes is a hostile worker's:
 * nothing is opened by name here, so httpd sends only what the worker could read itself.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>
#include <apr_date.h>
#include <apr_portable.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exchange/exchange.h"
#include "log.h"

/* Read at once where httpd does not use sendfile and ReadBufferSize says nothing. */
#define READ_BYTES 65536

#define READER "TENON_READ_FILES"

/* A body's file from its FILE until all of the request is over. */
typedef struct {
    request_rec *r;
    const char *pool;
    const char *id;
    const char *role;
    int slot;
    int fd;
    apr_off_t end; /* of the piece in the file */
} sent_file;

/* Takes descriptors out of a message: at most one waits for its FILE. */
static void take_descriptors(tenon_exchange *x, struct msghdr *message)
{
    struct cmsghdr *header;
    x->surplus |= (message->msg_flags & MSG_CTRUNC) != 0;
    for (header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
        const size_t size = header->cmsg_len - CMSG_LEN(0);
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        for (size_t at = 0; at + sizeof(int) <= size; at += sizeof(int)) {
            int fd;
            memcpy(&fd, CMSG_DATA(header) + at, sizeof(fd));
            if (x->descriptor < 0) {
                x->descriptor = fd;
            } else {
                close(fd);
                x->surplus = 1;
            }
        }
    }
}

ssize_t tenon_file_receive(tenon_exchange *x, uint8_t *to, size_t room, int flags)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec part = {to, room};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    const ssize_t size = recvmsg(x->channel->fd, &message, flags | MSG_CMSG_CLOEXEC);
    if (size >= 0 && (message.msg_controllen > 0 || (message.msg_flags & MSG_CTRUNC))) {
        take_descriptors(x, &message);
    }
    return size;
}

void tenon_file_drop(tenon_exchange *x)
{
    if (x->descriptor >= 0) {
        close(x->descriptor);
        x->descriptor = -1;
    }
}

/* Whether a descriptor is one to read a regular file from. */
static int is_readable_file(int fd, struct stat *info)
{
    const int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) != O_WRONLY && !(flags & (O_PATH | O_DIRECT)) &&
           fstat(fd, info) == 0 && S_ISREG(info->st_mode);
}

static void log_shrunk(const sent_file *sent, apr_off_t size)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, sent->r,
                  "TN0040: " TENON_EXCHANGE_FORMAT "a file of which %" APR_OFF_T_FMT
                  " bytes were to be sent has only %" APR_OFF_T_FMT " now: the answer is cut off",
                  sent->pool, sent->slot, sent->id, sent->role, sent->end, size);
}

/* The request is over. A file that became shorter than it was has ended the connection. */
static apr_status_t close_sent(void *data)
{
    sent_file *sent = data;
    struct stat info;
    if (sent->r->connection->aborted && fstat(sent->fd, &info) == 0 && info.st_size < sent->end) {
        log_shrunk(sent, info.st_size);
        tenon_response_reset(sent->r->connection);
    }
    close(sent->fd);
    return APR_SUCCESS;
}

/* The file as APR has it. It is a copy, which APR closes wherever the bucket ends; the descriptor
 * stays open beside it to look at the file once more. */
static apr_file_t *own(request_rec *r, int fd, int sendfile)
{
    apr_file_t *given;
    apr_file_t *file;
    apr_os_file_t descriptor = fd;
    apr_int32_t flags = APR_FOPEN_READ | APR_FOPEN_BINARY;
    if (sendfile) {
        flags |= APR_FOPEN_SENDFILE_ENABLED;
    }
    if (apr_os_file_put(&given, &descriptor, flags, r->pool) != APR_SUCCESS ||
        apr_file_dup(&file, given, r->pool) != APR_SUCCESS) {
        return NULL;
    }
    return file;
}

tenon_outcome tenon_file_out_of_descriptors(tenon_exchange *x)
{
    ap_log_rerror(
        APLOG_MARK, APLOG_ERR, 0, x->r,
        "TN0041: " TENON_EXCHANGE_FORMAT
        "httpd has no descriptor left for a file: raise its limit of open files (ulimit -n)",
        TENON_EXCHANGE_PREFIX(x));
    tenon_exchange_send_abort(x, WIRE_ERROR_BAD_FILE);
    return tenon_exchange_fail(x, HTTP_SERVICE_UNAVAILABLE);
}

/* Reads files and passes them on in pieces. mod_http2 takes the end of a file for the end of its
 * stream, wherever that comes. */
static apr_status_t read_files(ap_filter_t *f, apr_bucket_brigade *bb)
{
    apr_bucket_brigade *rest = apr_brigade_create(f->r->pool, f->c->bucket_alloc);
    apr_bucket *bucket = APR_BRIGADE_FIRST(bb);
    while (bucket != APR_BRIGADE_SENTINEL(bb)) {
        const char *data;
        apr_size_t size;
        apr_status_t status;
        if (!APR_BUCKET_IS_FILE(bucket)) {
            bucket = APR_BUCKET_NEXT(bucket);
            continue;
        }
        status = apr_bucket_read(bucket, &data, &size, APR_BLOCK_READ);
        if (status == APR_SUCCESS) {
            apr_brigade_split_ex(bb, APR_BUCKET_NEXT(bucket), rest);
            status = ap_pass_brigade(f->next, bb);
        }
        if (status != APR_SUCCESS) {
            return APR_STATUS_IS_EOF(status) ? APR_EINCOMPLETE : status;
        }
        apr_brigade_cleanup(bb);
        APR_BRIGADE_CONCAT(bb, rest);
        bucket = APR_BRIGADE_FIRST(bb);
    }
    return ap_pass_brigade(f->next, bb);
}

void tenon_file_register(void)
{
    /* Behind the filters that look at the whole of a body: ranges, length. */
    ap_register_output_filter(READER, read_files, NULL, AP_FTYPE_PROTOCOL + 1);
}

/* Puts a piece of a file, whose descriptor is ours from now on, into the output. */
static tenon_outcome insert(tenon_exchange *x, int fd, const wire_file *piece)
{
    request_rec *r = x->r;
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    sent_file *sent = apr_palloc(r->pool, sizeof(*sent));
    apr_file_t *file;
    apr_bucket *bucket;
    *sent = (sent_file){.r = r,
                        .pool = x->pool->name,
                        .id = x->request->origin->id,
                        .role = x->role,
                        .slot = x->channel->slot,
                        .fd = fd,
                        .end = (apr_off_t)(piece->offset + piece->length)};
    apr_pool_cleanup_register(r->pool, sent, close_sent, apr_pool_cleanup_null);
    file = own(r, fd, core->enable_sendfile == ENABLE_SENDFILE_ON);
    if (!file) {
        return tenon_file_out_of_descriptors(x);
    }
    bucket = apr_bucket_file_create(file, (apr_off_t)piece->offset, (apr_size_t)piece->length,
                                    r->pool, r->connection->bucket_alloc);
    /* Whoever maps a file that another makes shorter dies of SIGBUS. */
    apr_bucket_file_enable_mmap(bucket, 0);
    apr_bucket_file_set_buf_size(bucket, core->read_buf_size ? core->read_buf_size : READ_BYTES);
    APR_BRIGADE_INSERT_TAIL(x->output, bucket);
    if (x->files++ == 0 && r->connection->master) {
        ap_add_output_filter(READER, NULL, r, r->connection);
    }
    return TENON_GOING;
}

/* A file that is shorter than the worker found it: nobody broke a rule. */
static tenon_outcome shrunk(tenon_exchange *x, apr_off_t end, apr_off_t size)
{
    const sent_file sent = {.r = x->r,
                            .pool = x->pool->name,
                            .id = x->request->origin->id,
                            .role = x->role,
                            .slot = x->channel->slot,
                            .end = end};
    log_shrunk(&sent, size);
    tenon_exchange_send_abort(x, WIRE_ERROR_BAD_FILE);
    return tenon_exchange_fail(x, HTTP_BAD_GATEWAY);
}

tenon_outcome tenon_file_frame(tenon_exchange *x, const wire_frame *frame)
{
    struct stat info;
    wire_file piece;
    const int fd = x->descriptor;
    int error = wire_file_decode(frame->payload, frame->length, &piece);
    tenon_outcome outcome = TENON_GOING;
    if (error == 0 && x->tunnel) {
        error = -WIRE_ERROR_OUT_OF_ORDER;
    } else if (error == 0 && !is_readable_file(fd, &info)) {
        error = -WIRE_ERROR_BAD_FILE;
    } else if (error == 0 && !x->bodiless &&
               (piece.length > INT64_MAX - x->received ||
                piece.length > x->declared - x->received)) {
        error = -WIRE_ERROR_BAD_LENGTH;
    }
    if (error < 0) {
        return tenon_exchange_violation(x, error, "FILE");
    }
    x->received += piece.length;
    if (x->bodiless) {
        tenon_file_drop(x);
        return TENON_GOING;
    }
    if ((uint64_t)info.st_size < piece.offset + piece.length) {
        return shrunk(x, (apr_off_t)(piece.offset + piece.length), info.st_size);
    }
    /* Files of one answer go down one by one: a worker must not fill httpd with descriptors. */
    if (x->files > 0) {
        outcome = tenon_response_pass(x, 1);
    }
    if (outcome == TENON_GOING) {
        x->file_bytes = piece.length;
        x->descriptor = -1;
        outcome = insert(x, fd, &piece);
    }
    return outcome;
}

int tenon_file_is_body(const tenon_exchange *x)
{
    return !x->passed && x->files == 1 && x->file_bytes == x->received && x->r->status == HTTP_OK &&
           x->r->method_number == M_GET && !x->r->header_only &&
           !apr_table_get(x->r->headers_out, "Content-Range");
}

int tenon_file_conditions(request_rec *r)
{
    const char *modified = apr_table_get(r->headers_out, "Last-Modified");
    const char *ranges = apr_table_get(r->headers_out, "Accept-Ranges");
    if (!ranges) {
        ap_set_accept_ranges(r);
    } else if (ap_find_token(r->pool, ranges, "none")) {
        tenon_response_leave_ranges(r);
    }
    if (modified) {
        r->mtime = apr_date_parse_http(modified);
        return ap_meets_conditions(r);
    }
    /* Without a date of the file, conditions on dates do not count (RFC 9110, 13.1.3 and 13.1.4);
     * httpd would take the present time. */
    apr_table_unset(r->headers_in, "If-Modified-Since");
    apr_table_unset(r->headers_in, "If-Unmodified-Since");
    return apr_table_get(r->headers_out, "ETag") ? ap_meets_conditions(r) : OK;
}
