/* SPDX-License-Identifier: Apache-2.0
 *
 * config.json: the configuration as the supervisor gets it (docs/architecture.md).
 */
#include <httpd.h>
#include <http_config.h>
#include <unixd.h>
#include <apr_strings.h>
#include <apr_file_io.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/handover.h"
#include "log.h"

#define FORMAT_VERSION 1

static void write_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; text && *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            fputc('\\', out);
            fputc(c, out);
        } else if (c < 0x20) {
            fprintf(out, "\\u%04x", c);
        } else {
            fputc(c, out);
        }
    }
    fputc('"', out);
}

static void write_environment(FILE *out, const apr_table_t *environment)
{
    const apr_array_header_t *entries = apr_table_elts(environment);
    fputs(", \"environment\": {", out);
    for (int i = 0; i < entries->nelts; i++) {
        const apr_table_entry_t *entry = &APR_ARRAY_IDX(entries, i, apr_table_entry_t);
        fputs(i ? ", " : "", out);
        write_text(out, entry->key);
        fputs(": ", out);
        write_text(out, entry->val);
    }
    fputs("}", out);
}

static void write_texts(FILE *out, const char *key, const apr_array_header_t *texts)
{
    fprintf(out, ", \"%s\": [", key);
    for (int i = 0; i < texts->nelts; i++) {
        fputs(i ? ", " : "", out);
        write_text(out, APR_ARRAY_IDX(texts, i, const char *));
    }
    fputs("]", out);
}

static void write_pool(FILE *out, const tenon_pool *pool)
{
    fputs("    { \"name\": ", out);
    write_text(out, pool->name);
#define TENON_ROW(field, directive, key, kind, help) \
    fputs(", \"" key "\": ", out);                   \
    write_text(out, pool->field);
    TENON_POOL_TEXTS(TENON_ROW)
#undef TENON_ROW
    fprintf(out, ", \"processesMin\": %d, \"processesMax\": %d", pool->processes_min,
            pool->processes_max);
    fprintf(out, ", \"memorySoft\": %d, \"memoryHard\": %d", pool->memory_soft, pool->memory_hard);
    fprintf(out, ", \"requests\": %d, \"requestsJitter\": %d, \"ageMs\": %d, \"ageJitter\": %d",
            pool->requests, pool->requests_jitter, pool->age, pool->age_jitter);
#define TENON_ROW(field, directive, key, kind, standard, least, most, help) \
    fprintf(out, ", \"" key "\": %d", pool->field);
    TENON_POOL_NUMBERS(TENON_ROW)
#undef TENON_ROW
    write_environment(out, pool->environment);
    write_texts(out, "exports", pool->exports);
    fputs(", \"reload\": ", out);
    write_text(out, pool->reload);
    write_texts(out, "watch", pool->watch);
    fputs(" }", out);
}

static void write_all(FILE *out, const tenon_config *config, server_rec *s)
{
    const int root = geteuid() == 0;
    fprintf(out, "{\n  \"version\": %d,\n", FORMAT_VERSION);
    fprintf(out, "  \"parent\": { \"pid\": %ld, \"uid\": %ld, \"gid\": %ld },\n", (long)getpid(),
            (long)geteuid(), (long)getegid());
    fprintf(out, "  \"host\": { \"uid\": %ld, \"gid\": %ld },\n",
            (long)(root ? ap_unixd_config.user_id : geteuid()),
            (long)(root ? ap_unixd_config.group_id : getegid()));
    fprintf(out, "  \"logLevel\": %d,\n  \"processesTotal\": %d,\n  \"pools\": [\n",
            ap_get_server_module_loglevel(s, APLOG_MODULE_INDEX), config->processes_total);
    for (int i = 0; i < config->pools->nelts; i++) {
        fputs(i ? ",\n" : "", out);
        write_pool(out, APR_ARRAY_IDX(config->pools, i, tenon_pool *));
    }
    fputs("\n  ]\n}\n", out);
}

/* Makes the directory, or sees that it is ours: nobody else may have put it there. 0, or -1 with
 * errno. */
static int make_directory(const char *path)
{
    struct stat info;
    if (mkdir(path, 0710) == 0) {
        return geteuid() == 0 ? chown(path, 0, ap_unixd_config.group_id) : 0;
    }
    if (errno != EEXIST || lstat(path, &info) != 0) {
        return -1;
    }
    if (!S_ISDIR(info.st_mode) || info.st_uid != geteuid()) {
        errno = EPERM;
        return -1;
    }
    return 0;
}

apr_status_t tenon_handover_write(const tenon_config *config, server_rec *s, apr_pool_t *p)
{
    const char *path = apr_pstrcat(p, config->runtime_dir, "/config.json", NULL);
    const char *fresh = apr_pstrcat(p, path, ".new", NULL);
    FILE *out = NULL;
    int descriptor;
    int failed = 1;

    if (make_directory(config->runtime_dir) != 0) {
        goto cleanup;
    }
    unlink(fresh);
    descriptor = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    out = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (!out) {
        goto cleanup;
    }
    write_all(out, config, s);
    failed = ferror(out);

cleanup:
    if (out && fclose(out) != 0) {
        failed = 1;
    }
    if (!failed && rename(fresh, path) == 0) {
        return APR_SUCCESS;
    }
    failed = errno;
    ap_log_error(
        APLOG_MARK, APLOG_CRIT, failed, s,
        "TN0030: cannot write %s: make room and the directory above it, or name another with "
        "TenonRuntimeDir; after a restart pools go on as before it",
        path);
    return failed ? failed : APR_EGENERAL;
}
