/* SPDX-License-Identifier: Apache-2.0
 *
 * The store of kept decisions: an ap_socache provider, in which everything lies sealed. Memory of
 * this httpd as a rule; a server that many machines share, where TenonCache says so.
 */
#ifndef TENON_CACHE_H
#define TENON_CACHE_H

#include <httpd.h>
#include <http_config.h>

#include "decisions/sealed.h"

/* Most bytes of one decision. */
#define TENON_CACHE_BYTES 4096

typedef enum {
    TENON_CACHE_READY,
    TENON_CACHE_OFF,     /* TenonCache off, or no pool */
    TENON_CACHE_MISSING, /* no provider is loaded */
} tenon_cache_state;

tenon_cache_state tenon_cache_ready(void);

/* Begins the name that something is kept under: add to `hash` what it is kept for, then end it. */
void tenon_cache_label_begin(tenon_sha256 *hash);
void tenon_cache_label_end(tenon_sha256 *hash, uint8_t label[TENON_SHA256_BYTES]);

/* What is kept under a label, in r->pool: its size, or -1. */
long tenon_cache_get(request_rec *r, const uint8_t *label, uint8_t **content);

/* Keeps at most TENON_CACHE_BYTES. */
void tenon_cache_put(request_rec *r, const uint8_t *label, apr_time_t expires,
                     const uint8_t *content, size_t size);

/* The lock that all children share. */
void tenon_cache_lock(void);
void tenon_cache_unlock(void);

/* Directives. */
const char *tenon_cache_set(cmd_parms *cmd, void *unused, const char *provider);
const char *tenon_cache_set_secret(cmd_parms *cmd, void *unused, const char *file);

void tenon_cache_register(void);

#endif
