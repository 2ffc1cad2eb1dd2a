/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of directives: checked, with an error that says what to write instead.
 */
#ifndef TENON_VALUES_H
#define TENON_VALUES_H

#include <httpd.h>
#include <http_config.h>

typedef enum {
    FILE_KIND,
    DIRECTORY_KIND,
    RUNTIME_DIRECTORY_KIND,
    PATH_KIND, /* of what need not be there */
    USER_KIND,
    GROUP_KIND
} tenon_text_kind;
typedef enum { COUNT_KIND, TIME_KIND, OCTAL_KIND, SIZE_KIND, SHARE_KIND } tenon_number_kind;

typedef struct {
    size_t offset; /* of the field in its struct */
    tenon_text_kind kind;
} tenon_text_row;

typedef struct {
    size_t offset;
    tenon_number_kind kind;
    int standard;
    int least;
    int most;
} tenon_number_row;

/* Checks a text and sets `*value`: NULL, or the error. */
const char *tenon_value_text(cmd_parms *cmd, tenon_text_kind kind, const char *given,
                             const char **value);

/* Parses a number within the row's bounds and sets `*value`: NULL, or the error. Times become ms,
 * sizes KiB. */
const char *tenon_value_number(cmd_parms *cmd, const tenon_number_row *row, const char *given,
                               int *value);

#endif
