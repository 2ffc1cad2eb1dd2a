/* SPDX-License-Identifier: Apache-2.0
 *
 * A threaded MPM closes its clients' sockets behind the backs of the threads that poll them: these
 * must be woken by other means.
 */
#include <httpd.h>
#include <http_config.h>
#include <ap_mpm.h>
#include <mpm_common.h>
#include <apr_atomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "exchange/ending.h"

/* httpd 2.4.49 and newer tell a child that it is to end. */
#define HAS_CHILD_STOPPING AP_MODULE_MAGIC_AT_LEAST(20120211, 110)

static apr_uint32_t ending = TENON_STAYS;
static int descriptor = -1;

tenon_ending tenon_ending_now(void)
{
    const apr_uint32_t told = apr_atomic_read32(&ending);
    int state = AP_MPMQ_RUNNING;
    if (told != TENON_STAYS || descriptor >= 0) {
        return (tenon_ending)told;
    }
    ap_mpm_query(AP_MPMQ_MPM_STATE, &state);
    return state == AP_MPMQ_STOPPING ? TENON_FINISHES : TENON_STAYS;
}

int tenon_ending_descriptor(void)
{
    return descriptor;
}

#if HAS_CHILD_STOPPING
static void child_stopping(apr_pool_t *p, int graceful)
{
    (void)p;
    apr_atomic_set32(&ending, graceful ? TENON_FINISHES : TENON_STOPS);
    if (descriptor >= 0) {
        eventfd_write(descriptor, 1);
    }
}
#endif

static void child_init(apr_pool_t *p, server_rec *s)
{
    int threaded = 0;
    (void)p;
    (void)s;
    if (HAS_CHILD_STOPPING && ap_mpm_query(AP_MPMQ_IS_THREADED, &threaded) == APR_SUCCESS &&
        threaded) {
        descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    }
}

void tenon_ending_register(void)
{
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
#if HAS_CHILD_STOPPING
    ap_hook_child_stopping(child_stopping, NULL, NULL, APR_HOOK_MIDDLE);
#endif
}
