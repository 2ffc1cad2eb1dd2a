/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_config.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include "config/config.h"
#include "config/expression.h"
#include "phases/learned.h"
#include "phases/phases.h"

#define MOST         8    /* expressions of a hook */
#define CANDIDATES   16   /* texts that were asked for once, the last ones */
#define TEXT_BYTES   256  /* longer ones are not learned: they are made for one request */
#define LONGEST_SENT 4096 /* bytes of a value */

typedef struct {
    const char *text;
    ap_expr_info_t expression;
} learned;

/* What is known of a hook. Readers look at `count` alone, so a row is whole before it counts. */
typedef struct {
    unsigned count;
    learned rows[MOST];
    char candidates[CANDIDATES][TEXT_BYTES];
    unsigned next;
} knowledge;

/* Of this child: by the hooks' numbers. */
static knowledge *of_hooks;
static apr_thread_mutex_t *mutex; /* of who writes */
static apr_pool_t *pool;

static knowledge *known_of(const tenon_hook *hook)
{
    return of_hooks && !hook->htaccess ? &of_hooks[hook->number] : NULL;
}

static int is_learned(const knowledge *known, const char *text)
{
    for (unsigned i = 0; i < known->count; i++) {
        if (!strcmp(known->rows[i].text, text)) {
            return 1;
        }
    }
    return 0;
}

/* Whether a text was asked for before; if not, the next time it was. */
static int is_repeated(knowledge *known, const char *text)
{
    for (int i = 0; i < CANDIDATES; i++) {
        if (!strcmp(known->candidates[i], text)) {
            return 1;
        }
    }
    apr_cpystrn(known->candidates[known->next], text, TEXT_BYTES);
    known->next = (known->next + 1) % CANDIDATES;
    return 0;
}

void tenon_learned_note(const tenon_hook *hook, const char *text)
{
    knowledge *known = known_of(hook);
    if (!known || !*text || strlen(text) >= TEXT_BYTES ||
        __atomic_load_n(&known->count, __ATOMIC_ACQUIRE) == MOST) {
        return;
    }
    apr_thread_mutex_lock(mutex);
    if (known->count < MOST && !is_learned(known, text) && is_repeated(known, text)) {
        learned *row = &known->rows[known->count];
        row->text = apr_pstrdup(pool, text);
        if (!tenon_expression_parse(pool, row->text, &row->expression)) {
            __atomic_store_n(&known->count, known->count + 1, __ATOMIC_RELEASE);
        }
    }
    apr_thread_mutex_unlock(mutex);
}

void tenon_learned_add(request_rec *r, const tenon_hook *hook, apr_array_header_t *entries)
{
    const knowledge *known = known_of(hook);
    const unsigned count = known ? __atomic_load_n(&known->count, __ATOMIC_ACQUIRE) : 0;
    for (unsigned i = 0; i < count; i++) {
        const char *error = NULL;
        const char *value = ap_expr_str_exec(r, &known->rows[i].expression, &error);
        if (!error && value && strlen(value) <= LONGEST_SENT) {
            tenon_entry_add(entries, WIRE_TABLE_VARIABLES, known->rows[i].text, value);
        }
    }
}

static void child_init(apr_pool_t *p, server_rec *s)
{
    const int hooks = tenon_configuration->hooks->nelts;
    (void)s;
    of_hooks = hooks > 0 ? apr_pcalloc(p, (apr_size_t)hooks * sizeof(*of_hooks)) : NULL;
    apr_pool_create(&pool, p);
    apr_thread_mutex_create(&mutex, APR_THREAD_MUTEX_DEFAULT, p);
}

void tenon_learned_register(void)
{
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
}
