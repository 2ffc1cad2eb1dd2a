/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <ap_expr.h>
#include <mod_rewrite.h>
#include <util_cfgtree.h>
#include <apr_lib.h>
#include <apr_optional.h>
#include <apr_strings.h>
#include <strings.h>

#include "config/config.h"
#include "config/hook.h"
#include "log.h"
#include "phases/map.h"
#include "config/override.h"
#include "phases/phases.h"

#define SCHEME   "tenon:" /* of a RewriteMap */
#define FUNCTION "tenon"  /* in expressions */
#define MOST     64

/* Asks a map for a key: 1 with `*value`, NULL when the map has none, or 0 when it cannot be asked,
 * which is logged. */
static int ask(request_rec *r, const tenon_hook *hook, const char *key, const char **value)
{
    apr_array_header_t *extra = apr_array_make(r->pool, 1, sizeof(tenon_entry));
    tenon_answer answer = {0};
    tenon_entry_add(extra, WIRE_TABLE_RECORD, "key", key);
    tenon_phase_ask(r, hook, extra, &answer);
    *value = answer.value;
    return !answer.failed;
}

/* mod_rewrite calls a map with the request and the key, and with nothing to tell which map it is:
 * each needs a C function of its own. */
static const tenon_hook *maps[MOST];
static int map_count;

static char *rewrite(request_rec *r, const tenon_hook *hook, const char *key)
{
    const char *value;
    return ask(r, hook, key, &value) && value ? apr_pstrdup(r->pool, value) : NULL;
}

/* clang-format off */
#define EIGHT(X, n) X(n##0) X(n##1) X(n##2) X(n##3) X(n##4) X(n##5) X(n##6) X(n##7)
#define ALL(X) EIGHT(X, 00) EIGHT(X, 01) EIGHT(X, 02) EIGHT(X, 03) EIGHT(X, 04) EIGHT(X, 05) EIGHT(X, 06) EIGHT(X, 07)
#define MAP_FUNCTION(n) static char *map_##n(request_rec *r, char *key) { return rewrite(r, maps[n], key); }
ALL(MAP_FUNCTION)
#define MAP_POINTER(n) map_##n,
static rewrite_mapfunc_t *const functions[MOST] = {ALL(MAP_POINTER)};
/* clang-format on */

/* What stands in a configuration that httpd has read but not processed yet. */
typedef struct {
    apr_pool_t *p;
    apr_pool_t *temp;
    int errors;
} reading;

static void log_error(reading *at, const ap_directive_t *node, const char *error)
{
    ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, NULL,
                 "TN0052: Syntax error on line %d of %s: %s", node->line_num, node->filename,
                 error);
    at->errors++;
}

/* The key of a target `<pool>#<export>` in the table of maps. */
static const char *key_of(apr_pool_t *p, const char *target)
{
    char *key = apr_pstrdup(p, target);
    char *end = strchr(key, '#');
    for (char *c = key; c < end; c++) {
        *c = (char)apr_tolower(*c);
    }
    return key;
}

/* The map of a target, made when a directive is the first to name it; NULL: logged. */
static tenon_hook *find_or_make(reading *at, ap_directive_t *node, const char *target)
{
    const command_rec command = {.name = node->directive};
    cmd_parms cmd = {.pool = at->p, .temp_pool = at->temp, .directive = node, .cmd = &command};
    const char *key = key_of(at->p, target);
    tenon_hook *hook = apr_hash_get(tenon_configuration->maps, key, APR_HASH_KEY_STRING);
    const char *error;
    if (hook) {
        return hook;
    }
    hook = tenon_hook_parse_target(&cmd, target, WIRE_PHASE_MAP, &error);
    if (!hook) {
        log_error(at, node, error);
        return NULL;
    }
    apr_hash_set(tenon_configuration->maps, key, APR_HASH_KEY_STRING, hook);
    return hook;
}

/* The function of a map: 0 to MOST - 1, or -1 when there are too many. */
static int function_of(const tenon_hook *hook)
{
    int i = 0;
    while (i < map_count && maps[i] != hook) {
        i++;
    }
    if (i == MOST) {
        return -1;
    }
    maps[i] = hook;
    map_count = i == map_count ? i + 1 : map_count;
    return i;
}

/* RewriteMap <name> tenon:<pool>#<export> becomes RewriteMap <name> int:tenon:<pool>#<export>, for
 * a function that mod_rewrite is told of. */
static void read_rewrite_map(reading *at, ap_directive_t *node)
{
    APR_OPTIONAL_FN_TYPE(ap_register_rewrite_mapfunc) *tell =
        APR_RETRIEVE_OPTIONAL_FN(ap_register_rewrite_mapfunc);
    const char *args = node->args;
    const char *source;
    const char *name;
    tenon_hook *hook;
    int function;
    ap_getword_conf(at->temp, &args);
    name = apr_pstrmemdup(at->temp, node->args, args - node->args);
    source = ap_getword_conf(at->p, &args);
    if (!tell || strncasecmp(source, SCHEME, sizeof(SCHEME) - 1)) {
        return;
    }
    if (*args || !strchr(source, '#')) {
        log_error(at, node, "RewriteMap: write RewriteMap <name> tenon:<pool>#<export>");
        return;
    }
    hook = find_or_make(at, node, source + sizeof(SCHEME) - 1);
    function = hook ? function_of(hook) : 0;
    if (function < 0) {
        log_error(at, node,
                  apr_psprintf(at->temp,
                               "RewriteMap: there are more than %d different maps of "
                               "tenon: let one export answer several, by its key",
                               MOST));
    } else if (hook) {
        tell((char *)source, functions[function]);
        node->args = apr_pstrcat(at->p, name, "int:", source, NULL);
    }
}

/* Bytes of `<pool>#<export>` at the beginning of a text, or 0. */
static size_t target_length(const char *text)
{
    const char *at = text;
    const char *export;
    while (apr_isalnum(*at) || *at == '_' || *at == '-' || *at == '.') {
        at++;
    }
    if (at == text || *at != '#') {
        return 0;
    }
    export = ++at;
    while (apr_isalnum(*at) || *at == '_' || *at == '$') {
        at++;
    }
    return at == export ? 0 : (size_t)(at - text);
}

/* The text of a call's argument at the beginning of a text, `tenon('` or `%{tenon:`, or NULL. */
static const char *argument_of_call(const char *text)
{
    static const char variable[] = "%{" SCHEME;
    static const char function[] = FUNCTION;
    if (!strncasecmp(text, variable, sizeof(variable) - 1)) {
        return text + sizeof(variable) - 1;
    }
    if (strncasecmp(text, function, sizeof(function) - 1)) {
        return NULL;
    }
    text += sizeof(function) - 1;
    text += strspn(text, " \t");
    return *text == '(' ? text + strspn(text, "( \t\\'\"") : NULL;
}

/* Finds the maps that expressions of a directive name. Its text is enough: which of httpd's modules
 * takes it for an expression need not be known. */
static void read_expressions(reading *at, ap_directive_t *node)
{
    for (const char *text = node->args; *text; text++) {
        const char *target = argument_of_call(text);
        const size_t length = target ? target_length(target) : 0;
        if (length > 0) {
            find_or_make(at, node, apr_pstrmemdup(at->p, target, length));
        }
    }
}

static void read_all(reading *at, ap_directive_t *node)
{
    for (; node; node = node->next) {
        if (!strcasecmp(node->directive, "RewriteMap")) {
            read_rewrite_map(at, node);
        }
        read_expressions(at, node);
        read_all(at, node->first_child);
    }
}

int tenon_map_begin(apr_pool_t *p, apr_pool_t *temp)
{
    reading at = {p, temp, 0};
    map_count = 0;
    tenon_configuration->maps = apr_hash_make(p);
    read_all(&at, ap_conftree);
    return at.errors ? HTTP_INTERNAL_SERVER_ERROR : OK;
}

/* A map that only an .htaccess or a hook's own expression names. */
static const tenon_hook *make_now(apr_pool_t *p, const char *target, const char **error)
{
    const command_rec command = {.name = FUNCTION "()"};
    ap_directive_t nowhere = {.directive = FUNCTION, .filename = "an expression"};
    cmd_parms cmd = {.pool = p, .temp_pool = p, .directive = &nowhere, .cmd = &command};
    return tenon_hook_parse_target(&cmd, target, WIRE_PHASE_MAP, error);
}

/* The map that an expression names, or NULL with `*error`. */
static const tenon_hook *map_of(request_rec *r, const char *target, int trusted, const char **error)
{
    const tenon_hook *hook;
    if (target_length(target) != strlen(target)) {
        *error = FUNCTION "(): the argument begins with <pool>#<export>, a blank and the key";
        return NULL;
    }
    hook = apr_hash_get(tenon_configuration->maps, key_of(r->pool, target), APR_HASH_KEY_STRING);
    if (!hook && trusted) {
        *error = FUNCTION "(): write <pool>#<export> as a text, no part of it computed";
        return NULL;
    }
    hook = hook ? hook : make_now(r->pool, target, error);
    if (hook && !trusted && !tenon_override_permits(r, hook->pool->name)) {
        *error =
            apr_psprintf(r->pool, FUNCTION "(): TenonAllowOverride does not name the pool %s here",
                         hook->pool->name);
        return NULL;
    }
    return hook;
}

/* The function of expressions: `tenon('<pool>#<export> <key>')`. A map that cannot be asked makes
 * the whole expression fail: it might grant something. `trusted` is not NULL in the configuration.
 */
static const char *value_of(ap_expr_eval_ctx_t *context, const void *trusted, const char *argument)
{
    const size_t length = strcspn(argument, " ");
    const char *key = argument + length + (argument[length] == ' ');
    const char *value = NULL;
    const tenon_hook *hook;
    if (!context->r) {
        *context->err = FUNCTION "(): there is no request here to ask about";
        return NULL;
    }
    hook = map_of(context->r, apr_pstrmemdup(context->p, argument, length), trusted != NULL,
                  context->err);
    if (hook && !ask(context->r, hook, key, &value)) {
        *context->err = apr_psprintf(context->p, "the map %s#%s could not be asked",
                                     hook->pool->name, hook->export);
    }
    return value ? value : "";
}

/* Hook expr_lookup: while an expression is parsed. */
static int find_function(ap_expr_lookup_parms *parms)
{
    if (parms->type != AP_EXPR_FUNC_STRING || strcasecmp(parms->name, FUNCTION)) {
        return DECLINED;
    }
    *parms->func = (const void *)value_of;
    /* As in tenon_override_in_htaccess: what is parsed for a request alone is not the
     * configuration's. */
    *parms->data = parms->pool == parms->ptemp ? NULL : FUNCTION;
    return OK;
}

void tenon_map_register(void)
{
    ap_hook_expr_lookup(find_function, NULL, NULL, APR_HOOK_MIDDLE);
}
