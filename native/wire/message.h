/* SPDX-License-Identifier: Apache-2.0
 *
 * The payload of each frame type. `_begin` writes what comes before a list of fields and leaves
 * room for the frame header, the caller writes the fields, `_finish` fills in counts and the frame
 * header and returns the size of the whole frame, or an error negated. Decoding gives the fixed
 * part and a cursor at the fields; the cursor's counts were not checked yet: read exactly that many
 * fields, then wire_message_end says whether the payload ended there.
 */
#ifndef WIRE_MESSAGE_H
#define WIRE_MESSAGE_H

#include "fields.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WIRE_LENGTH_UNKNOWN UINT64_MAX

/* HELLO: version 2, oldest version 2, slot 2, claim index 2, pid 4, incarnation 4, generation 4,
 * claim 4, phases 8. */
typedef struct {
    uint16_t version;
    uint16_t oldest_version; /* the oldest that the worker speaks */
    uint16_t slot;
    uint16_t claim_index; /* of the channel's claim word in the slot, below WIRE_CLAIMS_PER_SLOT */
    uint32_t pid;
    uint32_t incarnation;
    uint32_t generation;
    uint32_t claim;  /* the claim word before the first exchange */
    uint64_t phases; /* bit n: the worker implements phase n */
} wire_hello;

int wire_hello_encode(uint8_t *to, size_t capacity, const wire_hello *hello);
int wire_hello_decode(const uint8_t *payload, size_t length, wire_hello *hello);

/* REQUEST: phase 1, number of facts 1, number of headers 2, exchange 4, body length 8, facts,
 * headers. */
typedef struct {
    uint8_t phase;
    uint8_t facts;
    uint16_t headers;
    uint32_t exchange;    /* counts the exchanges of the channel from 1 */
    uint64_t body_length; /* WIRE_LENGTH_UNKNOWN when only END tells */
    wire_cursor fields;
} wire_request;

/* Begins a REQUEST at the start of the writer's buffer (sets `used` and `failed`). */
void wire_request_begin(wire_writer *writer, uint8_t phase, uint32_t exchange,
                        uint64_t body_length);
int wire_request_finish(wire_writer *writer, uint8_t flags, unsigned facts, unsigned headers);
int wire_request_decode(const uint8_t *payload, size_t length, wire_request *request);

/* RESPONSE: status 2, number of headers 2, reason length 2, reason, headers. */
typedef struct {
    uint16_t status; /* 100 to 599 */
    uint16_t headers;
    wire_text reason; /* may be empty */
    wire_cursor fields;
} wire_response;

void wire_response_begin(wire_writer *writer, uint16_t status, const char *reason,
                         size_t reason_length);
int wire_response_finish(wire_writer *writer, uint8_t flags, unsigned headers);
int wire_response_decode(const uint8_t *payload, size_t length, wire_response *response);

/* END: body length 8, number of trailers 2, trailers. */
typedef struct {
    uint64_t body_length; /* bytes of body sent in this direction */
    uint16_t trailers;
    wire_cursor fields;
} wire_end;

void wire_end_begin(wire_writer *writer, uint64_t body_length);
int wire_end_finish(wire_writer *writer, unsigned trailers);
int wire_end_decode(const uint8_t *payload, size_t length, wire_end *end);

/* PULL: bytes 8, at least 1. */
int wire_pull_encode(uint8_t *to, size_t capacity, uint64_t bytes);
int wire_pull_decode(const uint8_t *payload, size_t length, uint64_t *bytes);

/* FILE: offset 8, length 8; the descriptor travels beside the bytes (SCM_RIGHTS). */
typedef struct {
    uint64_t offset; /* of the piece in the file, bytes */
    uint64_t length; /* at least 1; offset and length make no more than INT64_MAX */
} wire_file;

int wire_file_encode(uint8_t *to, size_t capacity, uint8_t flags, const wire_file *file);
int wire_file_decode(const uint8_t *payload, size_t length, wire_file *file);

/* ABORT: error 2, text (the rest). */
typedef struct {
    uint16_t error;
    wire_text text;
} wire_abort;

int wire_abort_encode(uint8_t *to, size_t capacity, wire_error error, const char *text,
                      size_t length);
int wire_abort_decode(const uint8_t *payload, size_t length, wire_abort *abort_message);

/* LOG: level 1, text (the rest). */
typedef struct {
    uint8_t level;
    wire_text text;
} wire_log;

int wire_log_encode(uint8_t *to, size_t capacity, wire_log_level level, const char *text,
                    size_t length);
int wire_log_decode(const uint8_t *payload, size_t length, wire_log *log);

/* FIELDS: entries up to the end of the payload. */
void wire_fields_begin(wire_writer *writer);
int wire_fields_finish(wire_writer *writer);
wire_cursor wire_fields_decode(const uint8_t *payload, size_t length);

/* RESULT: code 2 (signed), flags 1, zero 1, ttl 4, number of varies 2, varies (short texts),
 * entries up to the end. */
typedef struct {
    int16_t code;    /* as httpd numbers what the phase returns */
    uint8_t flags;   /* WIRE_RESULT_FLAGS */
    uint32_t ttl;    /* ms that the decision may be kept; 0: not */
    uint16_t varies; /* number of what the decision depends on */
    wire_cursor fields;
} wire_result;

void wire_result_begin(wire_writer *writer, const wire_result *result);
int wire_result_finish(wire_writer *writer);
int wire_result_decode(const uint8_t *payload, size_t length, wire_result *result);

/* ASK: kind 1, zero 1, number of headers 2, text length 4, text, headers. */
typedef struct {
    uint8_t kind; /* wire_ask_kind */
    uint16_t headers;
    wire_text text; /* an expression, or "METHOD uri" */
    wire_cursor fields;
} wire_ask;

void wire_ask_begin(wire_writer *writer, wire_ask_kind kind, const char *text, size_t length);
int wire_ask_finish(wire_writer *writer, unsigned headers);
int wire_ask_decode(const uint8_t *payload, size_t length, wire_ask *ask);

/* REPLY: status 2 (0: there is none, the text says why), number of headers 2, text length 4, text,
 * headers. */
typedef struct {
    uint16_t status;
    uint16_t headers;
    wire_text text;
    wire_cursor fields;
} wire_reply;

void wire_reply_begin(wire_writer *writer, uint16_t status, const char *text, size_t length);
int wire_reply_finish(wire_writer *writer, uint8_t flags, unsigned headers);
int wire_reply_decode(const uint8_t *payload, size_t length, wire_reply *reply);

/* CLOSE has an empty payload. */
int wire_close_encode(uint8_t *to, size_t capacity);
int wire_close_decode(size_t length);

/* 0 when the cursor stands at the end of the payload, else -WIRE_ERROR_BAD_PAYLOAD. */
int wire_message_end(const wire_cursor *cursor);

#ifdef __cplusplus
}
#endif
#endif
