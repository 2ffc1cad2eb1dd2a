/* SPDX-License-Identifier: Apache-2.0
 *
 * httpd's own modules know the schemes (mod_auth_basic, mod_auth_digest, mod_auth_form) and the
 * logic of Require (mod_authz_core); functions of TypeScript say whether a password is right and a
 * requirement is met. Who cannot say so has not said yes: 500.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_request.h>
#include <ap_expr.h>
#include <ap_provider.h>
#include <apr_optional.h>
#include <apr_strings.h>
#include <mod_auth.h>

#include "config/location.h"
#include "log.h"
#include "config/override.h"
#include "phases/phases.h"
#include "phases/providers.h"
#include "wire/protocol.h"

#define NAME "tenon"

static APR_OPTIONAL_FN_TYPE(ap_authn_cache_store) * store_for_authn_socache;

static apr_array_header_t *one_field(request_rec *r, const char *name, const char *value)
{
    apr_array_header_t *extra = apr_array_make(r->pool, 1, sizeof(tenon_entry));
    tenon_entry_add(extra, WIRE_TABLE_RECORD, name, value);
    return extra;
}

/* Asks about a user, who is r->user meanwhile. */
static void ask_about(request_rec *r, const tenon_hook *hook, const char *user,
                      const apr_array_header_t *extra, tenon_answer *answer)
{
    char *before = r->user;
    char *now = apr_pstrdup(r->pool, user);
    r->user = now;
    tenon_phase_ask(r, hook, extra, answer);
    if (r->user == now) { /* else the hook has said who that is */
        r->user = before;
    }
}

/* Asks the functions that TenonHook names for a provider, to the first that knows the user. */
static authn_status ask_in_turn(request_rec *r, wire_phase phase, const char *user,
                                const apr_array_header_t *extra, tenon_answer *answer)
{
    const tenon_location *here = tenon_location_of(r);
    authn_status status = AUTH_USER_NOT_FOUND;
    int named = 0;
    for (int i = 0; here->hooks && i < here->hooks->nelts && status == AUTH_USER_NOT_FOUND; i++) {
        const tenon_hook *hook = APR_ARRAY_IDX(here->hooks, i, const tenon_hook *);
        if (hook->phase != phase) {
            continue;
        }
        named = 1;
        *answer = (tenon_answer){.code = AUTH_USER_NOT_FOUND};
        if (tenon_phase_applies(r, hook, answer)) {
            ask_about(r, hook, user, extra, answer);
        }
        if (!answer->failed) {
            status = (authn_status)answer->code;
        } else if (hook->on_error != DECLINED) {
            status = AUTH_GENERAL_ERROR;
        }
    }
    if (named) {
        return status;
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                  "TN0095: the provider " NAME " is asked for a user of %s, but no function is "
                  "named there: write TenonHook %s <pool>",
                  r->uri, tenon_hook_phase_name(phase));
    return AUTH_GENERAL_ERROR;
}

static authn_status check_password(request_rec *r, const char *user, const char *password)
{
    tenon_answer answer;
    const authn_status status = ask_in_turn(r, WIRE_PHASE_CHECK_PASSWORD, user,
                                            one_field(r, "password", password), &answer);
    /* That a user is found says nothing of the password. */
    return status == AUTH_USER_FOUND ? AUTH_GENERAL_ERROR : status;
}

static authn_status get_realm_hash(request_rec *r, const char *user, const char *realm, char **hash)
{
    tenon_answer answer = {0};
    const authn_status status =
        ask_in_turn(r, WIRE_PHASE_GET_REALM_HASH, user, one_field(r, "realm", realm), &answer);
    if (status != AUTH_USER_FOUND) {
        return status == AUTH_GRANTED ? AUTH_GENERAL_ERROR : status;
    }
    if (!answer.value) {
        return AUTH_GENERAL_ERROR;
    }
    *hash = apr_pstrdup(r->pool, answer.value);
    if (store_for_authn_socache) {
        store_for_authn_socache(r, NAME, user, realm, answer.value);
    }
    return AUTH_USER_FOUND;
}

/* One line Require. */
typedef struct {
    const tenon_hook *hook;
    const char *line;
    apr_array_header_t *arguments; /* ap_expr_info_t * */
} requirement;

static const char *parse_require_line(cmd_parms *cmd, const char *line, const void **parsed)
{
    requirement *required = apr_pcalloc(cmd->pool, sizeof(*required));
    const char *target = ap_getword_conf(cmd->pool, &line);
    const char *error = NULL;
    if (!*target) {
        return "Require tenon takes a function: write Require tenon <pool>[#<export>] "
               "[<argument>]...";
    }
    required->line = line;
    required->arguments = apr_array_make(cmd->pool, 2, sizeof(ap_expr_info_t *));
    required->hook = tenon_hook_parse_target(cmd, target, WIRE_PHASE_CHECK_AUTHORIZATION, &error);
    while (!error && *line) {
        const char *word = ap_getword_conf(cmd->pool, &line);
        APR_ARRAY_PUSH(required->arguments, ap_expr_info_t *) =
            ap_expr_parse_cmd(cmd, word, AP_EXPR_FLAG_STRING_RESULT, &error, NULL);
        if (error) {
            error = apr_psprintf(cmd->pool,
                                 "Require tenon: the argument '%s' is not a text with expressions: "
                                 "%s",
                                 word, error);
        }
    }
    *parsed = required;
    return error;
}

/* The arguments as they are for this request, or NULL. */
static apr_array_header_t *arguments_of(request_rec *r, const requirement *required)
{
    apr_array_header_t *extra = one_field(r, "requirement", required->line);
    for (int i = 0; i < required->arguments->nelts; i++) {
        const ap_expr_info_t *argument =
            APR_ARRAY_IDX(required->arguments, i, const ap_expr_info_t *);
        const char *error = NULL;
        const char *value = ap_expr_str_exec(r, argument, &error);
        if (error) {
            ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                          "TN0096: Require tenon %s: an argument cannot be told: %s: denied",
                          required->hook->pool_name, error);
            return NULL;
        }
        tenon_entry_add(extra, WIRE_TABLE_ARGUMENTS, "", value);
    }
    return extra;
}

static authz_status check_authorization(request_rec *r, const char *line, const void *parsed)
{
    const requirement *required = parsed;
    const tenon_hook *hook = required->hook;
    apr_array_header_t *extra;
    tenon_answer answer;
    (void)line;
    if (hook->htaccess && !tenon_override_permits(r, hook->pool_name)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "TN0097: line %d of %s: Require tenon names the pool '%s', which "
                      "TenonAllowOverride does not let it: denied",
                      hook->line, hook->file, hook->pool_name);
        return AUTHZ_GENERAL_ERROR;
    }
    extra = arguments_of(r, required);
    if (!extra) {
        return AUTHZ_GENERAL_ERROR;
    }
    tenon_phase_ask(r, hook, extra, &answer);
    return answer.failed ? AUTHZ_GENERAL_ERROR : (authz_status)answer.code;
}

static void find_authn_socache(void)
{
    store_for_authn_socache = APR_RETRIEVE_OPTIONAL_FN(ap_authn_cache_store);
}

void tenon_providers_register(apr_pool_t *p)
{
    static const authn_provider authn = {check_password, get_realm_hash};
    static const authz_provider authz = {check_authorization, parse_require_line};
    ap_register_auth_provider(p, AUTHN_PROVIDER_GROUP, NAME, AUTHN_PROVIDER_VERSION, &authn,
                              AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(p, AUTHZ_PROVIDER_GROUP, NAME, AUTHZ_PROVIDER_VERSION, &authz,
                              AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_optional_fn_retrieve(find_authn_socache, NULL, NULL, APR_HOOK_MIDDLE);
}
