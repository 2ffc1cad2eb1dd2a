/* SPDX-License-Identifier: Apache-2.0
 *
 * Decisions of hooks that count for some time: found in the cache, no worker is asked.
 *
 * Before a hook is asked, tenon_decision_find looks for an answer and fixes what the question was
 * (a hook may change what its answer varied on); tenon_decision_keep keeps the answer for that.
 */
#ifndef TENON_DECISIONS_H
#define TENON_DECISIONS_H

#include <httpd.h>

#include "decisions/lessons.h"
#include "phases/phases.h"
#include "decisions/sha256.h"

typedef struct {
    int usable; /* answers to it may be kept */
    int keyed;  /* label and names are set */
    apr_time_t asked;
    uint32_t generation; /* of the pool */
    const wire_scoreboard *board;
    int names_size;
    char names[TENON_LESSONS_BYTES]; /* what the label is of */
    uint8_t label[TENON_SHA256_BYTES];
} tenon_question;

/* 1 when there is an answer: code and changes of `answer` are set, the changes not applied. 0 with
 * `question` made ready for tenon_decision_keep. */
int tenon_decision_find(request_rec *r, const tenon_hook *hook, const apr_array_header_t *extra,
                        tenon_answer *answer, tenon_question *question);

/* Keeps an answer when it says that it may be. */
void tenon_decision_keep(request_rec *r, const tenon_hook *hook, const tenon_answer *answer,
                         const tenon_question *question);

void tenon_decisions_register(void);

#endif
