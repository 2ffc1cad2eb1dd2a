/* SPDX-License-Identifier: Apache-2.0 */
#include "describe.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void say(description *to, const char *format, ...)
{
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(to->text + to->used, sizeof(to->text) - to->used, format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= sizeof(to->text) - to->used)
        abort();
    to->used += (size_t)size;
}

static void say_hex(description *to, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    size_t index;

    for (index = 0; index < length; index++)
        say(to, "%02x", at[index]);
}

static void say_text(description *to, wire_text text)
{
    say(to, " ");
    say_hex(to, text.at, text.length);
    if (text.length == 0)
        say(to, "-");
}

static void next_frame(description *to)
{
    if (to->used > 0)
        say(to, " ; ");
}

static int read_headers(description *to, wire_cursor *fields, unsigned count)
{
    for (; count > 0; count--) {
        wire_text name;
        wire_text value;
        const int failed = wire_read_header(fields, &name, &value);

        if (failed != 0)
            return failed;
        say(to, " H");
        say_text(to, name);
        say_text(to, value);
    }
    return 0;
}

static int say_headers(description *to, wire_cursor *fields, unsigned count)
{
    const int failed = read_headers(to, fields, count);

    return failed != 0 ? failed : wire_message_end(fields);
}

static int say_entries(description *to, wire_cursor *fields)
{
    while (fields->at < fields->end) {
        wire_entry entry;
        const int failed = wire_read_entry(fields, &entry);

        if (failed != 0)
            return failed;
        say(to, " E %u", entry.how);
        say_text(to, entry.name);
        if (WIRE_ENTRY_OPERATION(entry.how) != WIRE_OPERATION_UNSET)
            say_text(to, entry.value);
    }
    return 0;
}

static int say_facts(description *to, wire_cursor *fields, unsigned count)
{
    for (; count > 0; count--) {
        uint8_t fact;
        wire_text value;
        const int failed = wire_read_fact(fields, &fact, &value);

        if (failed != 0)
            return failed;
        if (fact > WIRE_FACT_EXPORT)
            continue;
        say(to, " F %u", fact);
        say_text(to, value);
    }
    return 0;
}

static int hello(description *to, const wire_frame *frame)
{
    wire_hello m;
    const int failed = wire_hello_decode(frame->payload, frame->length, &m);

    if (failed == 0)
        say(to, "HELLO %u %u %u %u %u %u %u %u %" PRIu64, m.version, m.oldest_version, m.slot,
            m.claim_index, m.pid, m.incarnation, m.generation, m.claim, m.phases);
    return failed;
}

static int request(description *to, const wire_frame *frame)
{
    wire_request m;
    int failed = wire_request_decode(frame->payload, frame->length, &m);

    if (failed != 0)
        return failed;
    say(to, "REQUEST %d %u %u %" PRIu64, frame->flags & WIRE_FLAG_END, m.phase, m.exchange,
        m.body_length);
    failed = say_facts(to, &m.fields, m.facts);
    if (failed == 0)
        failed = read_headers(to, &m.fields, m.headers);
    return failed != 0 ? failed : say_entries(to, &m.fields);
}

static int fields(description *to, const wire_frame *frame)
{
    wire_cursor entries = wire_fields_decode(frame->payload, frame->length);

    say(to, "FIELDS");
    return say_entries(to, &entries);
}

static int ask(description *to, const wire_frame *frame)
{
    wire_ask m;
    const int failed = wire_ask_decode(frame->payload, frame->length, &m);

    if (failed != 0)
        return failed;
    say(to, "ASK %u", m.kind);
    say_text(to, m.text);
    return say_headers(to, &m.fields, m.headers);
}

static int reply(description *to, const wire_frame *frame)
{
    wire_reply m;
    const int failed = wire_reply_decode(frame->payload, frame->length, &m);

    if (failed != 0)
        return failed;
    say(to, "REPLY %d %u", frame->flags & WIRE_FLAG_END, m.status);
    say_text(to, m.text);
    return say_headers(to, &m.fields, m.headers);
}

static int result(description *to, const wire_frame *frame)
{
    wire_result m;
    int failed = wire_result_decode(frame->payload, frame->length, &m);

    if (failed != 0)
        return failed;
    say(to, "RESULT %d %u %u", m.code, m.flags, m.ttl);
    for (; m.varies > 0; m.varies--) {
        wire_text vary;

        failed = wire_read_short_text(&m.fields, &vary);
        if (failed != 0)
            return failed;
        say(to, " V");
        say_text(to, vary);
    }
    return say_entries(to, &m.fields);
}

static int response(description *to, const wire_frame *frame)
{
    wire_response m;
    const int failed = wire_response_decode(frame->payload, frame->length, &m);

    if (failed != 0)
        return failed;
    say(to, "RESPONSE %d %u", frame->flags & WIRE_FLAG_END, m.status);
    say_text(to, m.reason);
    return say_headers(to, &m.fields, m.headers);
}

static int end(description *to, const wire_frame *frame)
{
    wire_end m;
    const int failed = wire_end_decode(frame->payload, frame->length, &m);

    if (failed != 0)
        return failed;
    say(to, "END %" PRIu64, m.body_length);
    return say_headers(to, &m.fields, m.trailers);
}

static int pull(description *to, const wire_frame *frame)
{
    uint64_t bytes;
    const int failed = wire_pull_decode(frame->payload, frame->length, &bytes);

    if (failed == 0)
        say(to, "PULL %" PRIu64, bytes);
    return failed;
}

static int file(description *to, const wire_frame *frame)
{
    wire_file m;
    const int failed = wire_file_decode(frame->payload, frame->length, &m);

    if (failed == 0)
        say(to, "FILE %d %" PRIu64 " %" PRIu64, frame->flags & WIRE_FLAG_END, m.offset, m.length);
    return failed;
}

static int abort_frame(description *to, const wire_frame *frame)
{
    wire_abort m;
    const int failed = wire_abort_decode(frame->payload, frame->length, &m);

    if (failed != 0)
        return failed;
    say(to, "ABORT %u", m.error);
    say_text(to, m.text);
    return 0;
}

static int log_frame(description *to, const wire_frame *frame)
{
    wire_log m;
    const int failed = wire_log_decode(frame->payload, frame->length, &m);

    if (failed != 0)
        return failed;
    say(to, "LOG %u", m.level);
    say_text(to, m.text);
    return 0;
}

static int close_frame(description *to, const wire_frame *frame)
{
    const int failed = wire_close_decode(frame->length);

    if (failed == 0)
        say(to, "CLOSE");
    return failed;
}

static void finish_data(description *to, int ended)
{
    if (!to->in_data)
        return;
    say(to, "%s %d", to->in_bytes == 0 ? "-" : "", ended);
    to->in_data = 0;
}

static void data(description *to, const wire_frame *frame)
{
    if (!to->in_data) {
        next_frame(to);
        say(to, "DATA ");
        to->in_data = 1;
        to->in_bytes = 0;
    }
    say_hex(to, frame->payload, frame->length);
    to->in_bytes += frame->length;
    if ((frame->flags & WIRE_FLAG_END) != 0)
        finish_data(to, 1);
}

void description_init(description *to)
{
    to->text[0] = '\0';
    to->used = 0;
    to->in_data = 0;
    to->in_bytes = 0;
    to->error = 0;
}

void describe_frame(description *to, const wire_frame *frame)
{
    static int (*const describers[])(description *, const wire_frame *) = {
        [WIRE_FRAME_HELLO] = hello,       [WIRE_FRAME_REQUEST] = request,
        [WIRE_FRAME_PULL] = pull,         [WIRE_FRAME_RESPONSE] = response,
        [WIRE_FRAME_END] = end,           [WIRE_FRAME_ABORT] = abort_frame,
        [WIRE_FRAME_CLOSE] = close_frame, [WIRE_FRAME_LOG] = log_frame,
        [WIRE_FRAME_FILE] = file,         [WIRE_FRAME_FIELDS] = fields,
        [WIRE_FRAME_ASK] = ask,           [WIRE_FRAME_REPLY] = reply,
        [WIRE_FRAME_RESULT] = result,
    };
    size_t before;
    int failed;

    if (frame->type == WIRE_FRAME_DATA) {
        data(to, frame);
        return;
    }
    finish_data(to, 0);
    before = to->used;
    next_frame(to);
    failed = describers[frame->type](to, frame);
    if (failed != 0) {
        to->used = before; /* what was said of a broken frame does not count */
        to->text[before] = '\0';
        to->error = -failed;
    }
}

void describe_end(description *to, int partial)
{
    finish_data(to, 0);
    if (to->error != 0) {
        next_frame(to);
        say(to, "ERROR %s", wire_error_name(to->error));
    } else if (partial) {
        next_frame(to);
        say(to, "PARTIAL");
    }
}
