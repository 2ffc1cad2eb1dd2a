/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of a spool that its queue is not made of: what other children left, and what nobody is
 * to read.
 */
#include <httpd.h>
#include <http_log.h>
#include <http_main.h>
#include <apr_strings.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "records/spool.h"

#define MOST_FOUND    4096 /* files of which the oldest is looked for at once */
#define MOST_TIDIED   64
#define REFUSED       "refused-"
#define REFUSED_BYTES 262144 /* of a file of records that were set aside */
#define BAD           "bad-"

/* A file that does not hold what it should is kept for whoever wants to know, under a name that
 * nobody adopts. */
void tenon_spool_set_file_aside(const tenon_spool *spool, const char *name, const char *why)
{
    char aside[SPOOL_NAME_BYTES + sizeof(BAD)];
    snprintf(aside, sizeof(aside), BAD "%s", name);
    (void)!renameat(spool->directory, name, spool->directory, aside);
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, ap_server_conf,
                 "TN0112: [%s] the file %s/records/%s/%s of log records %s: its records are not "
                 "delivered; remove it once you have looked at it",
                 spool->pool->name, tenon_configuration->runtime_dir, spool->pool->name, aside,
                 why);
}

void tenon_spool_drop_orphan(tenon_spool *spool, int removed)
{
    spool_segment_close(spool->directory, spool->orphan, removed);
    spool->orphan = NULL;
    spool->looked = 0;
    if (removed) {
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, ap_server_conf,
                     "TN0116: [%s] delivered %lu log records that a process of httpd had left",
                     spool->pool->name, (unsigned long)spool->delivered);
    }
}

const char *tenon_spool_set_aside(tenon_spool *spool, const spool_record *record)
{
    spool_segment *refused = spool->refused;
    if (refused && spool_segment_room(refused) < record->size) {
        spool_segment_close(spool->directory, refused, 0);
        refused = NULL;
    }
    if (!refused) {
        const size_t size = record->size > REFUSED_BYTES ? record->size : REFUSED_BYTES;
        refused = spool_segment_create(spool->directory, REFUSED, size);
    }
    spool->refused = refused;
    if (!refused) {
        return NULL;
    }
    spool_segment_append(refused, record->slot, record->incarnation, record->frame,
                         record->frame_size, 1);
    return refused->name;
}

static int compare_names(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

/* Whether a file was made by this process. */
static int is_own(tenon_spool *spool, const char *name)
{
    int found = 0;
    apr_thread_mutex_lock(spool->mutex);
    for (const spool_segment *own = spool->first; own && !found; own = own->next) {
        found = !strcmp(own->name, name);
    }
    found = found || (spool->spare && !strcmp(spool->spare->name, name));
    apr_thread_mutex_unlock(spool->mutex);
    return found;
}

/* Names of segments that this process did not make, the oldest first, and their size. */
static apr_array_header_t *find_files(tenon_spool *spool, uint64_t *bytes)
{
    apr_array_header_t *names = apr_array_make(spool->temp, 16, sizeof(char *));
    const int descriptor = openat(spool->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = descriptor < 0 ? NULL : fdopendir(descriptor);
    const struct dirent *entry;
    *bytes = 0;
    while (directory && (entry = readdir(directory)) != NULL && names->nelts < MOST_FOUND) {
        struct stat info;
        if (*entry->d_name == '.' || is_own(spool, entry->d_name) ||
            fstatat(spool->directory, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        *bytes += (uint64_t)info.st_size;
        if (spool_segment_named(entry->d_name)) {
            APR_ARRAY_PUSH(names, char *) = apr_pstrdup(spool->temp, entry->d_name);
        }
    }
    if (directory) {
        closedir(directory);
    }
    qsort(names->elts, (size_t)names->nelts, sizeof(char *), compare_names);
    return names;
}

/* Looks for what another child has left. */
void tenon_spool_look_around(tenon_spool *spool)
{
    uint64_t bytes;
    const apr_array_header_t *names = find_files(spool, &bytes);
    apr_thread_mutex_lock(spool->mutex);
    spool->elsewhere = bytes;
    apr_thread_mutex_unlock(spool->mutex);
    for (int i = 0; i < names->nelts && !spool->orphan; i++) {
        const char *name = APR_ARRAY_IDX(names, i, char *);
        if (spool_segment_adopt(spool->directory, name, &spool->orphan) == SPOOL_BAD) {
            tenon_spool_set_file_aside(spool, name,
                                       "is not one that a process of this httpd wrote");
        }
    }
    spool->delivered = 0;
    apr_pool_clear(spool->temp);
}

/* Removes files of processes that were killed and that hold nothing to outlive httpd. */
void tenon_spool_tidy(tenon_spool *spool)
{
    uint64_t bytes;
    const apr_array_header_t *names = find_files(spool, &bytes);
    for (int i = 0; i < names->nelts && i < MOST_TIDIED; i++) {
        spool_segment *left = NULL;
        spool_segment_adopt(spool->directory, APR_ARRAY_IDX(names, i, char *), &left);
        if (left) {
            spool_segment_close(spool->directory, left, spool_segment_worthless(left));
        }
    }
}

int tenon_spool_adopts(const tenon_spool *spool)
{
    return spool->orphan != NULL;
}
