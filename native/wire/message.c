/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"
#include "bytes.h"

#include <string.h>

/* Offsets in the payloads, as message.h lists them. */
enum {
    HELLO_VERSION = 0,
    HELLO_OLDEST_VERSION = 2,
    HELLO_SLOT = 4,
    HELLO_CLAIM_INDEX = 6,
    HELLO_PID = 8,
    HELLO_INCARNATION = 12,
    HELLO_GENERATION = 16,
    HELLO_CLAIM = 20,
    HELLO_PHASES = 24,

    REQUEST_PHASE = 0,
    REQUEST_FACTS = 1,
    REQUEST_HEADERS = 2,
    REQUEST_EXCHANGE = 4,
    REQUEST_BODY_LENGTH = 8,

    RESPONSE_STATUS = 0,
    RESPONSE_HEADERS = 2,
    RESPONSE_REASON_LENGTH = 4,
    RESPONSE_REASON = 6,

    END_BODY_LENGTH = 0,
    END_TRAILERS = 8,
    END_FIXED_BYTES = 10,

    PULL_BYTES = 8,

    FILE_OFFSET = 0,
    FILE_LENGTH = 8,
    FILE_BYTES = 16,

    ABORT_TEXT = 2,
    LOG_TEXT = 1,

    RESULT_CODE = 0,
    RESULT_FLAGS = 2,
    RESULT_ZERO = 3,
    RESULT_TTL = 4,
    RESULT_VARIES = 8,
    RESULT_FIXED_BYTES = 10,

    /* ASK and REPLY alike. */
    ASK_KIND = 0,
    ASK_ZERO = 1,
    REPLY_STATUS = 0,
    ASK_HEADERS = 2,
    ASK_TEXT_LENGTH = 4,
    ASK_TEXT = 8
};

/* Starts a frame whose payload begins with `fixed` bytes; returns them, or NULL without room. */
static uint8_t *begin(wire_writer *writer, size_t fixed)
{
    writer->used = 0;
    writer->failed = 0;
    if (writer->capacity < WIRE_FRAME_HEADER_BYTES + fixed) {
        writer->failed = -WIRE_ERROR_NO_SPACE;
        return NULL;
    }
    writer->used = WIRE_FRAME_HEADER_BYTES + fixed;
    return writer->buffer + WIRE_FRAME_HEADER_BYTES;
}

/* Writes the frame header before a finished payload; returns the size of the frame. */
static int finish(wire_writer *writer, wire_frame_type type, uint8_t flags)
{
    const size_t length = writer->used - WIRE_FRAME_HEADER_BYTES;

    if (length > WIRE_MAX_MESSAGE_BYTES)
        return -WIRE_ERROR_TOO_LONG;
    wire_frame_encode(writer->buffer, type, flags, (uint32_t)length);
    return (int)writer->used;
}

static wire_cursor cursor_at(const uint8_t *payload, size_t offset, size_t length)
{
    wire_cursor cursor;

    cursor.at = payload + offset;
    cursor.end = payload + length;
    return cursor;
}

static wire_text text_at(const uint8_t *payload, size_t offset, size_t length)
{
    wire_text text;

    text.at = (const char *)payload + offset;
    text.length = length;
    return text;
}

int wire_hello_encode(uint8_t *to, size_t capacity, const wire_hello *hello)
{
    uint8_t *payload = to + WIRE_FRAME_HEADER_BYTES;

    if (capacity < WIRE_FRAME_HEADER_BYTES + WIRE_HELLO_BYTES)
        return -WIRE_ERROR_NO_SPACE;
    if (hello->claim_index >= WIRE_CLAIMS_PER_SLOT)
        return -WIRE_ERROR_BAD_PAYLOAD;
    wire_frame_encode(to, WIRE_FRAME_HELLO, 0, WIRE_HELLO_BYTES);
    wire_put_u16(payload + HELLO_VERSION, hello->version);
    wire_put_u16(payload + HELLO_OLDEST_VERSION, hello->oldest_version);
    wire_put_u16(payload + HELLO_SLOT, hello->slot);
    wire_put_u16(payload + HELLO_CLAIM_INDEX, hello->claim_index);
    wire_put_u32(payload + HELLO_PID, hello->pid);
    wire_put_u32(payload + HELLO_INCARNATION, hello->incarnation);
    wire_put_u32(payload + HELLO_GENERATION, hello->generation);
    wire_put_u32(payload + HELLO_CLAIM, hello->claim);
    wire_put_u64(payload + HELLO_PHASES, hello->phases);
    return WIRE_FRAME_HEADER_BYTES + WIRE_HELLO_BYTES;
}

int wire_hello_decode(const uint8_t *payload, size_t length, wire_hello *hello)
{
    if (length < HELLO_SLOT)
        return -WIRE_ERROR_BAD_PAYLOAD;
    hello->version = wire_get_u16(payload + HELLO_VERSION);
    hello->oldest_version = wire_get_u16(payload + HELLO_OLDEST_VERSION);
    /* The versions come first and are judged first: the rest may look different in another one. */
    if (hello->version < WIRE_VERSION || hello->oldest_version > WIRE_VERSION)
        return -WIRE_ERROR_BAD_VERSION;
    if (length != WIRE_HELLO_BYTES)
        return -WIRE_ERROR_BAD_PAYLOAD;
    hello->slot = wire_get_u16(payload + HELLO_SLOT);
    hello->claim_index = wire_get_u16(payload + HELLO_CLAIM_INDEX);
    hello->pid = wire_get_u32(payload + HELLO_PID);
    hello->incarnation = wire_get_u32(payload + HELLO_INCARNATION);
    hello->generation = wire_get_u32(payload + HELLO_GENERATION);
    hello->claim = wire_get_u32(payload + HELLO_CLAIM);
    hello->phases = wire_get_u64(payload + HELLO_PHASES);
    return hello->claim_index < WIRE_CLAIMS_PER_SLOT ? 0 : -WIRE_ERROR_BAD_PAYLOAD;
}

void wire_request_begin(wire_writer *writer, uint8_t phase, uint32_t exchange, uint64_t body_length)
{
    uint8_t *payload = begin(writer, WIRE_REQUEST_FIXED_BYTES);

    if (payload == NULL)
        return;
    wire_put_u8(payload + REQUEST_PHASE, phase);
    wire_put_u8(payload + REQUEST_FACTS, 0);
    wire_put_u16(payload + REQUEST_HEADERS, 0);
    wire_put_u32(payload + REQUEST_EXCHANGE, exchange);
    wire_put_u64(payload + REQUEST_BODY_LENGTH, body_length);
}

int wire_request_finish(wire_writer *writer, uint8_t flags, unsigned facts, unsigned headers)
{
    uint8_t *payload = writer->buffer + WIRE_FRAME_HEADER_BYTES;

    if (writer->failed != 0)
        return writer->failed;
    if (flags != 0 && flags != WIRE_FLAG_END && flags != WIRE_FLAG_UPGRADE)
        return -WIRE_ERROR_BAD_FLAGS;
    if (facts > UINT8_MAX || headers > WIRE_MAX_HEADERS)
        return -WIRE_ERROR_TOO_LONG;
    wire_put_u8(payload + REQUEST_FACTS, (uint8_t)facts);
    wire_put_u16(payload + REQUEST_HEADERS, (uint16_t)headers);
    return finish(writer, WIRE_FRAME_REQUEST, flags);
}

int wire_request_decode(const uint8_t *payload, size_t length, wire_request *request)
{
    if (length < WIRE_REQUEST_FIXED_BYTES)
        return -WIRE_ERROR_BAD_PAYLOAD;
    request->phase = wire_get_u8(payload + REQUEST_PHASE);
    request->facts = wire_get_u8(payload + REQUEST_FACTS);
    request->headers = wire_get_u16(payload + REQUEST_HEADERS);
    request->exchange = wire_get_u32(payload + REQUEST_EXCHANGE);
    request->body_length = wire_get_u64(payload + REQUEST_BODY_LENGTH);
    request->fields = cursor_at(payload, WIRE_REQUEST_FIXED_BYTES, length);
    return request->headers <= WIRE_MAX_HEADERS ? 0 : -WIRE_ERROR_BAD_PAYLOAD;
}

void wire_response_begin(wire_writer *writer, uint16_t status, const char *reason,
                         size_t reason_length)
{
    uint8_t *payload;

    if (reason_length > UINT16_MAX) {
        writer->failed = -WIRE_ERROR_BAD_FIELD;
        return;
    }
    payload = begin(writer, RESPONSE_REASON + reason_length);
    if (payload == NULL)
        return;
    if (status < 100 || status > 599)
        writer->failed = -WIRE_ERROR_BAD_PAYLOAD;
    else if (!wire_value_allowed(reason, reason_length))
        writer->failed = -WIRE_ERROR_BAD_FIELD;
    wire_put_u16(payload + RESPONSE_STATUS, status);
    wire_put_u16(payload + RESPONSE_HEADERS, 0);
    wire_put_u16(payload + RESPONSE_REASON_LENGTH, (uint16_t)reason_length);
    if (reason_length > 0)
        memcpy(payload + RESPONSE_REASON, reason, reason_length);
}

int wire_response_finish(wire_writer *writer, uint8_t flags, unsigned headers)
{
    uint8_t *payload = writer->buffer + WIRE_FRAME_HEADER_BYTES;

    if (writer->failed != 0)
        return writer->failed;
    if ((flags & ~WIRE_FLAG_END) != 0)
        return -WIRE_ERROR_BAD_FLAGS;
    if (headers > WIRE_MAX_HEADERS)
        return -WIRE_ERROR_TOO_LONG;
    wire_put_u16(payload + RESPONSE_HEADERS, (uint16_t)headers);
    return finish(writer, WIRE_FRAME_RESPONSE, flags);
}

int wire_response_decode(const uint8_t *payload, size_t length, wire_response *response)
{
    size_t reason_length;

    if (length < RESPONSE_REASON)
        return -WIRE_ERROR_BAD_PAYLOAD;
    response->status = wire_get_u16(payload + RESPONSE_STATUS);
    response->headers = wire_get_u16(payload + RESPONSE_HEADERS);
    reason_length = wire_get_u16(payload + RESPONSE_REASON_LENGTH);
    if (response->status < 100 || response->status > 599 || response->headers > WIRE_MAX_HEADERS ||
        reason_length > length - RESPONSE_REASON)
        return -WIRE_ERROR_BAD_PAYLOAD;
    response->reason = text_at(payload, RESPONSE_REASON, reason_length);
    response->fields = cursor_at(payload, RESPONSE_REASON + reason_length, length);
    return wire_value_allowed(response->reason.at, reason_length) ? 0 : -WIRE_ERROR_BAD_FIELD;
}

void wire_end_begin(wire_writer *writer, uint64_t body_length)
{
    uint8_t *payload = begin(writer, END_FIXED_BYTES);

    if (payload == NULL)
        return;
    wire_put_u64(payload + END_BODY_LENGTH, body_length);
    wire_put_u16(payload + END_TRAILERS, 0);
}

int wire_end_finish(wire_writer *writer, unsigned trailers)
{
    if (writer->failed != 0)
        return writer->failed;
    if (trailers > WIRE_MAX_HEADERS)
        return -WIRE_ERROR_TOO_LONG;
    wire_put_u16(writer->buffer + WIRE_FRAME_HEADER_BYTES + END_TRAILERS, (uint16_t)trailers);
    return finish(writer, WIRE_FRAME_END, 0);
}

int wire_end_decode(const uint8_t *payload, size_t length, wire_end *end)
{
    if (length < END_FIXED_BYTES)
        return -WIRE_ERROR_BAD_PAYLOAD;
    end->body_length = wire_get_u64(payload + END_BODY_LENGTH);
    end->trailers = wire_get_u16(payload + END_TRAILERS);
    end->fields = cursor_at(payload, END_FIXED_BYTES, length);
    return end->trailers <= WIRE_MAX_HEADERS ? 0 : -WIRE_ERROR_BAD_PAYLOAD;
}

int wire_pull_encode(uint8_t *to, size_t capacity, uint64_t bytes)
{
    if (capacity < WIRE_FRAME_HEADER_BYTES + PULL_BYTES)
        return -WIRE_ERROR_NO_SPACE;
    if (bytes < 1)
        return -WIRE_ERROR_BAD_PAYLOAD;
    wire_frame_encode(to, WIRE_FRAME_PULL, 0, PULL_BYTES);
    wire_put_u64(to + WIRE_FRAME_HEADER_BYTES, bytes);
    return WIRE_FRAME_HEADER_BYTES + PULL_BYTES;
}

int wire_pull_decode(const uint8_t *payload, size_t length, uint64_t *bytes)
{
    if (length != PULL_BYTES)
        return -WIRE_ERROR_BAD_PAYLOAD;
    *bytes = wire_get_u64(payload);
    return *bytes >= 1 ? 0 : -WIRE_ERROR_BAD_PAYLOAD;
}

static int file_allowed(const wire_file *file)
{
    return file->length >= 1 && file->offset <= INT64_MAX &&
           file->length <= INT64_MAX - file->offset;
}

int wire_file_encode(uint8_t *to, size_t capacity, uint8_t flags, const wire_file *file)
{
    if (capacity < WIRE_FRAME_HEADER_BYTES + FILE_BYTES)
        return -WIRE_ERROR_NO_SPACE;
    if (!file_allowed(file))
        return -WIRE_ERROR_BAD_PAYLOAD;
    wire_frame_encode(to, WIRE_FRAME_FILE, flags, FILE_BYTES);
    wire_put_u64(to + WIRE_FRAME_HEADER_BYTES + FILE_OFFSET, file->offset);
    wire_put_u64(to + WIRE_FRAME_HEADER_BYTES + FILE_LENGTH, file->length);
    return WIRE_FRAME_HEADER_BYTES + FILE_BYTES;
}

int wire_file_decode(const uint8_t *payload, size_t length, wire_file *file)
{
    if (length != FILE_BYTES)
        return -WIRE_ERROR_BAD_PAYLOAD;
    file->offset = wire_get_u64(payload + FILE_OFFSET);
    file->length = wire_get_u64(payload + FILE_LENGTH);
    return file_allowed(file) ? 0 : -WIRE_ERROR_BAD_PAYLOAD;
}

/* Encodes a frame of `fixed` bytes and a text; the caller has checked nothing yet. */
static int encode_text(uint8_t *to, size_t capacity, wire_frame_type type, size_t fixed,
                       const char *text, size_t length)
{
    if (length > WIRE_MAX_MESSAGE_BYTES - fixed)
        return -WIRE_ERROR_TOO_LONG;
    if (capacity < WIRE_FRAME_HEADER_BYTES + fixed + length)
        return -WIRE_ERROR_NO_SPACE;
    wire_frame_encode(to, type, 0, (uint32_t)(fixed + length));
    if (length > 0)
        memcpy(to + WIRE_FRAME_HEADER_BYTES + fixed, text, length);
    return (int)(WIRE_FRAME_HEADER_BYTES + fixed + length);
}

int wire_abort_encode(uint8_t *to, size_t capacity, wire_error error, const char *text,
                      size_t length)
{
    const int size = encode_text(to, capacity, WIRE_FRAME_ABORT, ABORT_TEXT, text, length);

    if (size > 0)
        wire_put_u16(to + WIRE_FRAME_HEADER_BYTES, (uint16_t)error);
    return size;
}

int wire_abort_decode(const uint8_t *payload, size_t length, wire_abort *abort_message)
{
    if (length < ABORT_TEXT)
        return -WIRE_ERROR_BAD_PAYLOAD;
    abort_message->error = wire_get_u16(payload);
    abort_message->text = text_at(payload, ABORT_TEXT, length - ABORT_TEXT);
    return 0;
}

static int level_known(int level)
{
#define WIRE_ROW(name, value, meaning) case value:
    switch (level) {
        WIRE_LOG_LEVELS(WIRE_ROW)
        return 1;
    default:
        return 0;
    }
#undef WIRE_ROW
}

int wire_log_encode(uint8_t *to, size_t capacity, wire_log_level level, const char *text,
                    size_t length)
{
    int size;

    if (!level_known((int)level))
        return -WIRE_ERROR_BAD_PAYLOAD;
    size = encode_text(to, capacity, WIRE_FRAME_LOG, LOG_TEXT, text, length);
    if (size > 0)
        wire_put_u8(to + WIRE_FRAME_HEADER_BYTES, (uint8_t)level);
    return size;
}

int wire_log_decode(const uint8_t *payload, size_t length, wire_log *log)
{
    if (length < LOG_TEXT)
        return -WIRE_ERROR_BAD_PAYLOAD;
    log->level = wire_get_u8(payload);
    log->text = text_at(payload, LOG_TEXT, length - LOG_TEXT);
    return level_known(log->level) ? 0 : -WIRE_ERROR_BAD_PAYLOAD;
}

void wire_fields_begin(wire_writer *writer)
{
    begin(writer, 0);
}

int wire_fields_finish(wire_writer *writer)
{
    return writer->failed != 0 ? writer->failed : finish(writer, WIRE_FRAME_FIELDS, 0);
}

wire_cursor wire_fields_decode(const uint8_t *payload, size_t length)
{
    return cursor_at(payload, 0, length);
}

void wire_result_begin(wire_writer *writer, const wire_result *result)
{
    uint8_t *payload = begin(writer, RESULT_FIXED_BYTES);

    if (payload == NULL)
        return;
    if ((result->flags & ~WIRE_RESULT_FLAG_STATE) != 0)
        writer->failed = -WIRE_ERROR_BAD_PAYLOAD;
    wire_put_u16(payload + RESULT_CODE, (uint16_t)result->code);
    wire_put_u8(payload + RESULT_FLAGS, result->flags);
    wire_put_u8(payload + RESULT_ZERO, 0);
    wire_put_u32(payload + RESULT_TTL, result->ttl);
    wire_put_u16(payload + RESULT_VARIES, result->varies);
}

int wire_result_finish(wire_writer *writer)
{
    return writer->failed != 0 ? writer->failed : finish(writer, WIRE_FRAME_RESULT, 0);
}

int wire_result_decode(const uint8_t *payload, size_t length, wire_result *result)
{
    if (length < RESULT_FIXED_BYTES)
        return -WIRE_ERROR_BAD_PAYLOAD;
    result->code = (int16_t)wire_get_u16(payload + RESULT_CODE);
    result->flags = wire_get_u8(payload + RESULT_FLAGS);
    result->ttl = wire_get_u32(payload + RESULT_TTL);
    result->varies = wire_get_u16(payload + RESULT_VARIES);
    result->fields = cursor_at(payload, RESULT_FIXED_BYTES, length);
    return (result->flags & ~WIRE_RESULT_FLAG_STATE) == 0 && payload[RESULT_ZERO] == 0
               ? 0
               : -WIRE_ERROR_BAD_PAYLOAD;
}

/* Begins an ASK or a REPLY: the first two bytes are the caller's. */
static uint8_t *begin_text(wire_writer *writer, const char *text, size_t length)
{
    uint8_t *payload;

    if (length > WIRE_MAX_MESSAGE_BYTES) {
        writer->used = 0;
        writer->failed = -WIRE_ERROR_TOO_LONG;
        return NULL;
    }
    payload = begin(writer, ASK_TEXT + length);
    if (payload == NULL)
        return NULL;
    wire_put_u16(payload + ASK_HEADERS, 0);
    wire_put_u32(payload + ASK_TEXT_LENGTH, (uint32_t)length);
    if (length > 0)
        memcpy(payload + ASK_TEXT, text, length);
    return payload;
}

static int finish_text(wire_writer *writer, wire_frame_type type, uint8_t flags, unsigned headers)
{
    if (writer->failed != 0)
        return writer->failed;
    if (headers > WIRE_MAX_HEADERS)
        return -WIRE_ERROR_TOO_LONG;
    wire_put_u16(writer->buffer + WIRE_FRAME_HEADER_BYTES + ASK_HEADERS, (uint16_t)headers);
    return finish(writer, type, flags);
}

/* Takes what ASK and REPLY have behind their first two bytes. */
static int decode_text(const uint8_t *payload, size_t length, uint16_t *headers, wire_text *text,
                       wire_cursor *fields)
{
    size_t size;

    if (length < ASK_TEXT)
        return -WIRE_ERROR_BAD_PAYLOAD;
    *headers = wire_get_u16(payload + ASK_HEADERS);
    size = wire_get_u32(payload + ASK_TEXT_LENGTH);
    if (*headers > WIRE_MAX_HEADERS || size > length - ASK_TEXT)
        return -WIRE_ERROR_BAD_PAYLOAD;
    *text = text_at(payload, ASK_TEXT, size);
    *fields = cursor_at(payload, ASK_TEXT + size, length);
    return size > 0 && memchr(text->at, 0, size) != NULL ? -WIRE_ERROR_BAD_FIELD : 0;
}

static int ask_known(int kind)
{
    return kind == WIRE_ASK_VARIABLE || kind == WIRE_ASK_SUBREQUEST;
}

void wire_ask_begin(wire_writer *writer, wire_ask_kind kind, const char *text, size_t length)
{
    uint8_t *payload = begin_text(writer, text, length);

    if (payload == NULL)
        return;
    if (!ask_known((int)kind))
        writer->failed = -WIRE_ERROR_BAD_PAYLOAD;
    wire_put_u8(payload + ASK_KIND, (uint8_t)kind);
    wire_put_u8(payload + ASK_ZERO, 0);
}

int wire_ask_finish(wire_writer *writer, unsigned headers)
{
    return finish_text(writer, WIRE_FRAME_ASK, 0, headers);
}

int wire_ask_decode(const uint8_t *payload, size_t length, wire_ask *ask)
{
    const int failed = decode_text(payload, length, &ask->headers, &ask->text, &ask->fields);

    if (failed != 0)
        return failed;
    ask->kind = wire_get_u8(payload + ASK_KIND);
    return ask_known(ask->kind) && payload[ASK_ZERO] == 0 ? 0 : -WIRE_ERROR_BAD_PAYLOAD;
}

void wire_reply_begin(wire_writer *writer, uint16_t status, const char *text, size_t length)
{
    uint8_t *payload = begin_text(writer, text, length);

    if (payload != NULL)
        wire_put_u16(payload + REPLY_STATUS, status);
}

int wire_reply_finish(wire_writer *writer, uint8_t flags, unsigned headers)
{
    if ((flags & ~WIRE_FLAG_END) != 0)
        return -WIRE_ERROR_BAD_FLAGS;
    return finish_text(writer, WIRE_FRAME_REPLY, flags, headers);
}

int wire_reply_decode(const uint8_t *payload, size_t length, wire_reply *reply)
{
    const int failed = decode_text(payload, length, &reply->headers, &reply->text, &reply->fields);

    if (failed != 0)
        return failed;
    reply->status = wire_get_u16(payload + REPLY_STATUS);
    return reply->status == 0 || (reply->status >= 100 && reply->status <= 599)
               ? 0
               : -WIRE_ERROR_BAD_PAYLOAD;
}

int wire_close_encode(uint8_t *to, size_t capacity)
{
    if (capacity < WIRE_FRAME_HEADER_BYTES)
        return -WIRE_ERROR_NO_SPACE;
    wire_frame_encode(to, WIRE_FRAME_CLOSE, 0, 0);
    return WIRE_FRAME_HEADER_BYTES;
}

int wire_close_decode(size_t length)
{
    return length == 0 ? 0 : -WIRE_ERROR_BAD_PAYLOAD;
}

int wire_message_end(const wire_cursor *cursor)
{
    return cursor->at == cursor->end ? 0 : -WIRE_ERROR_BAD_PAYLOAD;
}
