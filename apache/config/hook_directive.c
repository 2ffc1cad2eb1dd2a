/* SPDX-License-Identifier: Apache-2.0
 *
 * The directive TenonHook. What is wrong with one is said with what to write instead.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <strings.h>

#include "config/hook.h"
#include "log.h"
#include "config/override.h"
#include "config/values.h"

#define NONE "none"

/* Where the function of a phase that TenonHook does not take is named, or NULL. */
static const char *other_directive(wire_phase phase)
{
    switch (phase) {
    case WIRE_PHASE_CHECK_AUTHORIZATION:
        return "Require tenon <pool>#<export>";
    case WIRE_PHASE_MAP:
        return "RewriteMap <name> tenon:<pool>#<export>";
    default:
        return NULL;
    }
}

/* Names of the phases that TenonHook takes, for an error. */
static const char *all_names(apr_pool_t *p)
{
    const char *all = "";
    const tenon_rule *rule;
    for (size_t i = 0; (rule = tenon_hook_rule_at(i)) != NULL; i++) {
        if (!other_directive(rule->phase)) {
            all = apr_pstrcat(p, all, *all ? ", " : "", tenon_hook_phase_name(rule->phase), NULL);
        }
    }
    return all;
}

/* The rule of a phase that TenonHook takes; NULL with `*error`. */
static const tenon_rule *parse_phase(cmd_parms *cmd, const char *name, const char **error)
{
    const tenon_rule *rule;
    const char *other;
    for (size_t i = 0; (rule = tenon_hook_rule_at(i)) != NULL; i++) {
        if (!strcasecmp(tenon_hook_phase_name(rule->phase), name)) {
            break;
        }
    }
    if (!rule) {
        *error = apr_psprintf(cmd->pool, "TenonHook: there is no phase '%s': write one of %s", name,
                              all_names(cmd->pool));
        return NULL;
    }
    other = other_directive(rule->phase);
    if (other) {
        *error = apr_psprintf(cmd->pool, "TenonHook: %s is no phase of a request: write %s",
                              tenon_hook_phase_name(rule->phase), other);
    }
    return other ? NULL : rule;
}

/* The outermost section that keeps a phase with this context from ever seeing a directive, or NULL.
 */
static const char *section_out_of_reach(const cmd_parms *cmd, tenon_context reach)
{
    static const char *const of_locations[] = {"<Location", "<LocationMatch", "<If", "<ElseIf",
                                               "<Else"};
    const char *found = NULL;
    for (const ap_directive_t *at = cmd->directive->parent; at; at = at->parent) {
        int of_location = 0;
        if (!strcasecmp(at->directive, "<VirtualHost")) {
            continue;
        }
        for (size_t i = 0; i < sizeof(of_locations) / sizeof(of_locations[0]); i++) {
            of_location |= !strcasecmp(at->directive, of_locations[i]);
        }
        if (reach == TENON_CONTEXT_SERVER || (reach == TENON_CONTEXT_LOCATION && !of_location)) {
            found = at->directive;
        }
    }
    return !found && reach != TENON_CONTEXT_ANY && tenon_override_in_htaccess(cmd) ? "an .htaccess"
                                                                                   : found;
}

static const char *check_place(cmd_parms *cmd, const tenon_rule *phase)
{
    const char *error = ap_check_cmd_context(cmd, NOT_IN_LIMIT);
    const char *section;
    if (error) {
        return apr_pstrcat(cmd->pool, error, ": write when=\"%{REQUEST_METHOD} == 'POST'\"", NULL);
    }
    if (tenon_config_in_pool(cmd)) {
        return "TenonHook stands inside of a pool: put it behind </TenonPool>";
    }
    section = section_out_of_reach(cmd, phase->context);
    if (!section) {
        return NULL;
    }
    return apr_psprintf(
        cmd->pool, "TenonHook: %s never runs in %s%s, which httpd looks at later: write it in %s",
        tenon_hook_phase_name(phase->phase), section, *section == '<' ? ">" : "",
        phase->context == TENON_CONTEXT_SERVER
            ? "the server or a <VirtualHost>, with when= for a part of it"
            : "the server, a <VirtualHost> or a <Location>");
}

/* The next word of a line, in which quotes may also begin behind the = of an option. */
static const char *next_word(apr_pool_t *p, const char **line)
{
    const char *at = *line;
    const char *name;
    while (apr_isspace(*at)) {
        at++;
    }
    name = at;
    while (apr_isalpha(*at) || *at == '-') {
        at++;
    }
    if (at == name || at[0] != '=' || (at[1] != '"' && at[1] != '\'')) {
        return ap_getword_conf(p, line);
    }
    *line = ++at;
    return apr_pstrcat(p, apr_pstrmemdup(p, name, at - name), ap_getword_conf(p, line), NULL);
}

static const char *set_when(cmd_parms *cmd, tenon_hook *hook, const char *value)
{
    const char *error;
    hook->when_text = value;
    hook->when = ap_expr_parse_cmd(cmd, value, AP_EXPR_FLAG_DONT_VARY, &error, NULL);
    return error ? apr_psprintf(cmd->pool,
                                "TenonHook: when=\"%s\" is not an expression (%s): write one such "
                                "as \"%%{REQUEST_METHOD} == 'POST'\"",
                                value, error)
                 : NULL;
}

static const char *set_order(cmd_parms *cmd, tenon_hook *hook, const char *value)
{
    static const char *const orders[] = {"early", "middle", "late"};
    if (tenon_hook_is_provider(hook->phase)) {
        return apr_psprintf(cmd->pool,
                            "TenonHook: %s takes no order=: who is asked first is said by "
                            "AuthBasicProvider or AuthDigestProvider, and by the order of lines",
                            tenon_hook_phase_name(hook->phase));
    }
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        if (!strcasecmp(value, orders[i])) {
            hook->order = (tenon_order)i;
            return NULL;
        }
    }
    return apr_psprintf(cmd->pool, "TenonHook: order=%s is not known: write early, middle or late",
                        value);
}

static const char *set_timeout(cmd_parms *cmd, tenon_hook *hook, const char *value)
{
    static const tenon_number_row time = {0, TIME_KIND, 0, 1, 86400000};
    if (hook->phase == WIRE_PHASE_LOG_TRANSACTION) {
        return "TenonHook: log_transaction takes no timeout=: no request waits for it, and a "
               "worker has TenonRequestTimeout for many records";
    }
    return tenon_value_number(cmd, &time, value, &hook->timeout);
}

static const char *set_on_error(cmd_parms *cmd, tenon_hook *hook, const char *value)
{
    const tenon_rule *phase = tenon_hook_rule(hook->phase);
    const int status = atoi(value);
    if (hook->phase == WIRE_PHASE_LOG_TRANSACTION) {
        return "TenonHook: log_transaction takes no on-error=: the request is answered by then";
    }
    if (!strcasecmp(value, "decline")) {
        hook->on_error = DECLINED;
        return NULL;
    }
    if (phase->kind == TENON_KIND_PROVIDER) {
        return apr_psprintf(cmd->pool,
                            "TenonHook: on-error=%s cannot hold in %s: write decline (the next "
                            "provider is asked), or leave it out (500)",
                            value, tenon_hook_phase_name(hook->phase));
    }
    if (phase->kind == TENON_KIND_VOID) {
        return apr_psprintf(cmd->pool,
                            "TenonHook: on-error=%s cannot hold in %s, whose result httpd does not "
                            "look at: write decline, or leave it out",
                            value, tenon_hook_phase_name(hook->phase));
    }
    if (!strcasecmp(value, "deny")) {
        hook->on_error = HTTP_SERVICE_UNAVAILABLE;
        return NULL;
    }
    if (strlen(value) != 3 || status < 400 || status > 599) {
        return apr_psprintf(cmd->pool,
                            "TenonHook: on-error=%s is not known: write deny, decline or a status "
                            "from 400 to 599",
                            value);
    }
    hook->on_error = status;
    return NULL;
}

static const char *set_cache(cmd_parms *cmd, tenon_hook *hook, const char *value)
{
    const tenon_rule *phase = tenon_hook_rule(hook->phase);
    if (phase->kind == TENON_KIND_FILTER || phase->kind == TENON_KIND_VOID ||
        hook->phase == WIRE_PHASE_HANDLER || hook->phase == WIRE_PHASE_LOG_TRANSACTION) {
        return apr_psprintf(cmd->pool,
                            "TenonHook: %s takes no cache=, nothing of it is kept: leave it out",
                            tenon_hook_phase_name(hook->phase));
    }
    if (strcasecmp(value, "on") && strcasecmp(value, "off")) {
        return apr_psprintf(cmd->pool, "TenonHook: cache=%s is not known: write on or off", value);
    }
    hook->cache = !strcasecmp(value, "on");
    return NULL;
}

static const char *set_errors(cmd_parms *cmd, tenon_hook *hook, const char *value)
{
    if (hook->phase != WIRE_PHASE_OUTPUT_FILTER) {
        return "TenonHook: only output_filter takes errors=: leave it out";
    }
    if (strcasecmp(value, "on") && strcasecmp(value, "off")) {
        return apr_psprintf(cmd->pool, "TenonHook: errors=%s is not known: write on or off", value);
    }
    hook->errors = !strcasecmp(value, "on");
    return NULL;
}

static const struct {
    const char *name;
    const char *(*set)(cmd_parms *cmd, tenon_hook *hook, const char *value);
} options[] = {{"when", set_when},         {"order", set_order}, {"timeout", set_timeout},
               {"on-error", set_on_error}, {"cache", set_cache}, {"errors", set_errors}};
#define OPTIONS (sizeof(options) / sizeof(options[0]))

/* Takes one option; `*given` has a bit for each that came before. */
static const char *set_hook_option(cmd_parms *cmd, tenon_hook *hook, const char *word,
                                   unsigned *given)
{
    const size_t length = strcspn(word, "=");
    for (size_t i = 0; i < OPTIONS; i++) {
        if (!word[length] || length != strlen(options[i].name) ||
            strncasecmp(word, options[i].name, length)) {
            continue;
        }
        if (*given & (1u << i)) {
            return apr_psprintf(cmd->pool, "TenonHook: %s= stands twice: leave one out",
                                options[i].name);
        }
        *given |= 1u << i;
        return options[i].set(cmd, hook, word + length + 1);
    }
    return apr_psprintf(cmd->pool,
                        "TenonHook: '%s' is not known: write when=, order=, timeout=, on-error=, "
                        "cache= or errors=, with no blank before or behind =",
                        word);
}

static int same_text(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

/* Adds a hook to a section, unless the section has it. */
static const char *add(cmd_parms *cmd, tenon_location *here, tenon_hook *hook)
{
    if (!here->hooks) {
        here->hooks = apr_array_make(cmd->pool, 2, sizeof(tenon_hook *));
    }
    for (int i = 0; i < here->hooks->nelts; i++) {
        const tenon_hook *other = APR_ARRAY_IDX(here->hooks, i, tenon_hook *);
        if (other->phase == hook->phase && !strcasecmp(other->pool_name, hook->pool_name) &&
            !strcmp(other->export, hook->export) && same_text(other->when_text, hook->when_text)) {
            return apr_psprintf(cmd->pool,
                                "TenonHook: this hook stands on line %d of %s already: leave one "
                                "out",
                                other->line, other->file);
        }
    }
    APR_ARRAY_PUSH(here->hooks, tenon_hook *) = hook;
    here->hooked |= (uint64_t)1 << hook->phase;
    return NULL;
}

/* TenonHook <phase> none. */
static const char *end(cmd_parms *cmd, tenon_location *here, const tenon_rule *phase,
                       const char *rest)
{
    const uint64_t bit = (uint64_t)1 << phase->phase;
    if (*rest) {
        return apr_psprintf(cmd->pool, "TenonHook: none takes no options: leave '%s' out", rest);
    }
    if (tenon_override_in_htaccess(cmd)) {
        return "TenonHook: an .htaccess cannot take hooks away: write none in a <Directory>";
    }
    if (here->hooked & bit) {
        return apr_psprintf(cmd->pool,
                            "TenonHook: none ends what outer sections say, so write it before the "
                            "section's other hooks of %s",
                            tenon_hook_phase_name(phase->phase));
    }
    here->ended |= bit;
    return NULL;
}

tenon_hook *tenon_hook_parse(cmd_parms *cmd, const char *text, const char *args, wire_phase phase,
                             const char **error)
{
    tenon_hook *hook = tenon_hook_parse_target(cmd, text, phase, error);
    unsigned given = 0;
    while (!*error && *args) {
        *error = set_hook_option(cmd, hook, next_word(cmd->pool, &args), &given);
        while (apr_isspace(*args)) {
            args++;
        }
    }
    return *error ? NULL : hook;
}

const char *tenon_hook_set(cmd_parms *cmd, void *location, const char *args)
{
    const char *name = ap_getword_conf(cmd->pool, &args);
    const char *target = ap_getword_conf(cmd->pool, &args);
    const char *error;
    const tenon_rule *phase;
    tenon_hook *hook;
    if (!*target) {
        return "TenonHook takes a phase and a pool: write TenonHook <phase> <pool>[#<export>], "
               "or TenonHook <phase> none";
    }
    phase = parse_phase(cmd, name, &error);
    error = phase ? check_place(cmd, phase) : error;
    if (error) {
        return error;
    }
    if (!strcasecmp(target, NONE)) {
        return end(cmd, location, phase, args);
    }
    hook = tenon_hook_parse(cmd, target, args, phase->phase, &error);
    if (error) {
        return error;
    }
    if (hook->htaccess) {
        tenon_override_claim(cmd, location, hook->pool_name);
    }
    return add(cmd, location, hook);
}
