/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <ap_mpm.h>
#include <ap_provider.h>
#include <ap_socache.h>
#include <apr_atomic.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <mpm_common.h>
#include <util_mutex.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decisions/cache.h"
#include "config/config.h"
#include "decisions/lessons.h"
#include "log.h"

#define NAME               "tenon-cache" /* of the mutex, and of the cache for its provider */
#define DEFAULT_PROVIDER   "shmcb"
#define DEFAULT_ARGUMENTS  "tenon-cache(1048576)"
#define LEAST_SECRET_BYTES 16
#define MOST_SECRET_BYTES  4096
#define RANDOM_BYTES       32
#define NONCE_RANDOM_BYTES 8
#define COMPLAINT_S        60

static struct {
    const ap_socache_provider_t *provider;
    ap_socache_instance_t *instance;
    apr_global_mutex_t *mutex;
    tenon_cache_state state;
    int given; /* TenonCache stands in the configuration */
    uint8_t secret[MOST_SECRET_BYTES];
    size_t secret_size; /* 0: a new one with each start */
    tenon_seal seal;
    uint8_t nonce[NONCE_RANDOM_BYTES]; /* of this child, with a count behind it */
    uint64_t nonces;
} cache;

tenon_cache_state tenon_cache_ready(void)
{
    return cache.state;
}

void tenon_cache_label_begin(tenon_sha256 *hash)
{
    tenon_hmac_begin(&cache.seal.label, hash);
}

void tenon_cache_label_end(tenon_sha256 *hash, uint8_t label[TENON_SHA256_BYTES])
{
    tenon_hmac_end(&cache.seal.label, hash, label);
}

void tenon_cache_lock(void)
{
    apr_global_mutex_lock(cache.mutex);
}

void tenon_cache_unlock(void)
{
    apr_global_mutex_unlock(cache.mutex);
}

static int needs_lock(void)
{
    return (cache.provider->flags & AP_SOCACHE_FLAG_NOTMPSAFE) != 0;
}

/* Says at most once a minute and child that the store fails. */
static void complain(request_rec *r, apr_status_t status, const char *what)
{
    static apr_uint32_t last;
    const apr_uint32_t now = (apr_uint32_t)apr_time_sec(apr_time_now());
    const apr_uint32_t before = apr_atomic_read32(&last);
    if (now - before >= COMPLAINT_S && apr_atomic_cas32(&last, now, before) == before) {
        ap_log_rerror(
            APLOG_MARK, APLOG_WARNING, status, r,
            "TN0091: the cache of decisions (TenonCache %s) cannot be %s: hooks are asked "
            "each time meanwhile",
            cache.provider->name, what);
    }
}

long tenon_cache_get(request_rec *r, const uint8_t *label, uint8_t **content)
{
    uint8_t box[TENON_CACHE_BYTES + TENON_SEAL_BYTES];
    unsigned size = sizeof(box);
    apr_status_t status;
    long opened;
    if (needs_lock()) {
        tenon_cache_lock();
    }
    status = cache.provider->retrieve(cache.instance, r->server, label, TENON_SHA256_BYTES, box,
                                      &size, r->pool);
    if (needs_lock()) {
        tenon_cache_unlock();
    }
    if (status != APR_SUCCESS) {
        /* mod_socache_dbm has no other word for what is not there. */
        if (!APR_STATUS_IS_NOTFOUND(status) && status != APR_EGENERAL) {
            complain(r, status, "read");
        }
        return -1;
    }
    opened = size <= sizeof(box) ? tenon_seal_open(&cache.seal, label, box, size, content) : -1;
    if (opened >= 0) {
        *content = apr_pmemdup(r->pool, *content, (size_t)opened);
    }
    return opened;
}

void tenon_cache_put(request_rec *r, const uint8_t *label, apr_time_t expires,
                     const uint8_t *content, size_t size)
{
    uint8_t box[TENON_CACHE_BYTES + TENON_SEAL_BYTES];
    const uint64_t count = __atomic_add_fetch(&cache.nonces, 1, __ATOMIC_RELAXED);
    uint8_t nonce[NONCE_RANDOM_BYTES + sizeof(count)];
    apr_status_t status;
    memcpy(nonce, cache.nonce, NONCE_RANDOM_BYTES);
    memcpy(nonce + NONCE_RANDOM_BYTES, &count, sizeof(count));
    size = tenon_seal_close(&cache.seal, label, nonce, content, size, box);
    if (needs_lock()) {
        tenon_cache_lock();
    }
    /* A second more, since some providers count in seconds: what is kept knows its own end. */
    status = cache.provider->store(cache.instance, r->server, label, TENON_SHA256_BYTES,
                                   expires + apr_time_from_sec(1), box, (unsigned)size, r->pool);
    if (needs_lock()) {
        tenon_cache_unlock();
    }
    if (status != APR_SUCCESS) {
        complain(r, status, "written");
    }
}

/* Has a provider make its instance: NULL, or the error. */
static const char *create(const char *name, const char *arguments, apr_pool_t *p, apr_pool_t *temp)
{
    const char *error;
    cache.provider =
        ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, name, AP_SOCACHE_PROVIDER_VERSION);
    if (!cache.provider) {
        return apr_psprintf(p,
                            "there is no provider '%s': load mod_socache_%s, or name one that is "
                            "loaded, such as " DEFAULT_PROVIDER,
                            name, name);
    }
    error = cache.provider->create(&cache.instance, arguments, temp, p);
    return error ? apr_psprintf(p, "%s: %s", name, error) : NULL;
}

const char *tenon_cache_set(cmd_parms *cmd, void *unused, const char *provider)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    const char *colon = strchr(provider, ':');
    (void)unused;
    if (error) {
        return error;
    }
    cache.given = 1;
    cache.provider = NULL;
    if (!strcasecmp(provider, TENON_OFF)) {
        return NULL;
    }
    error = create(colon ? apr_pstrmemdup(cmd->pool, provider, colon - provider) : provider,
                   colon                                 ? colon + 1
                   : !strcmp(provider, DEFAULT_PROVIDER) ? DEFAULT_ARGUMENTS
                                                         : NULL,
                   cmd->pool, cmd->temp_pool);
    return error ? apr_pstrcat(cmd->pool, "TenonCache: ", error, NULL) : NULL;
}

const char *tenon_cache_set_secret(cmd_parms *cmd, void *unused, const char *given)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    const char *path = ap_server_root_relative(cmd->pool, given);
    apr_file_t *file;
    struct stat info;
    apr_os_file_t fd;
    apr_status_t status;
    (void)unused;
    if (error) {
        return error;
    }
    status = path ? apr_file_open(&file, path, APR_FOPEN_READ, 0, cmd->temp_pool) : APR_EBADPATH;
    if (status != APR_SUCCESS) {
        char reason[128];
        return apr_psprintf(cmd->pool,
                            "TenonCacheSecret: cannot read %s (%s): name a file with random bytes, "
                            "the same on all machines that share the cache",
                            path ? path : given, apr_strerror(status, reason, sizeof(reason)));
    }
    cache.secret_size = sizeof(cache.secret);
    apr_file_read_full(file, cache.secret, sizeof(cache.secret), &cache.secret_size);
    apr_os_file_get(&fd, file);
    if (fstat(fd, &info) != 0 || (info.st_mode & (S_IRWXG | S_IRWXO))) {
        error = apr_psprintf(
            cmd->pool, "TenonCacheSecret: others than its owner may use %s: chmod 600 it", path);
    } else if (cache.secret_size < LEAST_SECRET_BYTES) {
        error = apr_psprintf(cmd->pool,
                             "TenonCacheSecret: %s has less than %d bytes: fill it with random "
                             "ones, such as by: openssl rand -out %s 32",
                             path, LEAST_SECRET_BYTES, path);
    }
    apr_file_close(file);
    return error;
}

static int pre_config(apr_pool_t *p, apr_pool_t *log_pool, apr_pool_t *temp)
{
    (void)log_pool;
    (void)temp;
    memset(&cache, 0, sizeof(cache));
    cache.state = TENON_CACHE_OFF;
    return ap_mutex_register(p, NAME, NULL, APR_LOCK_DEFAULT, 0) == APR_SUCCESS
               ? OK
               : HTTP_INTERNAL_SERVER_ERROR;
}

static apr_status_t cache_ends(void *s)
{
    if (cache.instance) {
        cache.provider->destroy(cache.instance, s);
        cache.instance = NULL;
    }
    return APR_SUCCESS;
}

/* What cannot be made, or NULL. */
static const char *make(apr_pool_t *p, server_rec *s, apr_status_t *status)
{
    static struct ap_socache_hints hints = {TENON_SHA256_BYTES, 160, apr_time_from_sec(60)};
    if (!cache.secret_size) {
        cache.secret_size = RANDOM_BYTES;
        *status = apr_generate_random_bytes(cache.secret, RANDOM_BYTES);
        if (*status != APR_SUCCESS) {
            return "random bytes";
        }
    }
    tenon_seal_init(&cache.seal, cache.secret, cache.secret_size);
    *status = tenon_lessons_create(p);
    if (*status != APR_SUCCESS) {
        return "shared memory";
    }
    *status = ap_global_mutex_create(&cache.mutex, NULL, NAME, NULL, s, p, 0);
    if (*status != APR_SUCCESS) {
        return "the mutex " NAME;
    }
    *status = cache.provider->init(cache.instance, NAME, &hints, s, p);
    if (*status != APR_SUCCESS) {
        return cache.provider->name;
    }
    apr_pool_cleanup_register(p, s, cache_ends, apr_pool_cleanup_null);
    return NULL;
}

static int post_config(apr_pool_t *p, apr_pool_t *log_pool, apr_pool_t *temp, server_rec *s)
{
    apr_status_t status = APR_SUCCESS;
    const char *error;
    (void)log_pool;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG ||
        ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST ||
        tenon_configuration->pools->nelts == 0 || (cache.given && !cache.provider)) {
        return OK;
    }
    if (!cache.given && create(DEFAULT_PROVIDER, DEFAULT_ARGUMENTS, p, temp)) {
        cache.state = TENON_CACHE_MISSING;
        return OK;
    }
    error = make(p, s, &status);
    if (error) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, status, s,
                     "TN0093: cannot make the cache of decisions: %s", error);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    cache.state = TENON_CACHE_READY;
    return OK;
}

static void child_init(apr_pool_t *p, server_rec *s)
{
    apr_status_t status;
    if (cache.state != TENON_CACHE_READY) {
        return;
    }
    status = apr_generate_random_bytes(cache.nonce, sizeof(cache.nonce));
    if (status == APR_SUCCESS) {
        status =
            apr_global_mutex_child_init(&cache.mutex, apr_global_mutex_lockfile(cache.mutex), p);
    }
    if (status != APR_SUCCESS) {
        cache.state = TENON_CACHE_OFF;
        ap_log_error(APLOG_MARK, APLOG_CRIT, status, s,
                     "TN0094: this process cannot use the cache of decisions: it asks hooks each "
                     "time");
    }
}

void tenon_cache_register(void)
{
    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
}
