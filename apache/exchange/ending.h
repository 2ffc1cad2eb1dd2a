/* SPDX-License-Identifier: Apache-2.0
 *
 * How a child process of httpd is told to end, for threads that wait for something else.
 */
#ifndef TENON_ENDING_H
#define TENON_ENDING_H

typedef enum {
    TENON_STAYS,
    TENON_FINISHES, /* ends when what is open is finished */
    TENON_STOPS,    /* ends at once: httpd has closed the clients' connections */
} tenon_ending;

tenon_ending tenon_ending_now(void);

/* A descriptor to be polled for POLLIN while this process stays: readable, and ever after, once it
 * is to end. -1 where only signals tell. */
int tenon_ending_descriptor(void);

void tenon_ending_register(void);

#endif
