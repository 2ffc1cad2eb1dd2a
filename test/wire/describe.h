/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames as text, as vector-text.ts writes them: words, bytes in hex ("-" for none), "; " between
 * frames, at the end "ERROR name" or "PARTIAL" if need be.
 */
#ifndef TEST_DESCRIBE_H
#define TEST_DESCRIBE_H

#include "message.h"
#include "reader.h"

typedef struct {
    char text[262144];
    size_t used;
    int in_data;     /* a body is being described, its last piece has not come */
    size_t in_bytes; /* of that body so far */
    int error;       /* positive wire_error, or 0 */
} description;

void description_init(description *to);
/* Appends a frame (or sets the error). */
void describe_frame(description *to, const wire_frame *frame);
/* Finishes the text; `partial`: bytes of an unfinished frame were left. */
void describe_end(description *to, int partial);

#endif
