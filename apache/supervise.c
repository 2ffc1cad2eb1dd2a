/* SPDX-License-Identifier: Apache-2.0
 *
 * The supervisor as seen by httpd's parent. One supervisor lives as long as the parent: restarts of
 * httpd only hand it the new configuration. One that dies is followed by another, which finds in
 * the store the descriptors of the workers that live on. What must outlive a restart (this file's
 * code is unloaded and loaded again by one) is kept as plain data in the process' pool.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_main.h>
#include <ap_mpm.h>
#include <mpm_common.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/config.h"
#include "config/handover.h"
#include "log.h"
#include "supervise.h"

#define STATE_KEY     "tenon_supervisor"
#define LEAST_LIFE    apr_time_from_sec(1)  /* between two starts */
#define STEADY_LIFE   apr_time_from_sec(5)  /* one that lived so long has taken the workers over */
#define TAKEOVER_TIME apr_time_from_sec(60) /* for that; then the workers are let go of */
#define STORE_BYTES   (16 * 1024 * 1024)    /* some ten thousand messages */
#define STOP_GRACE_MS 2000                  /* beyond the longest shutdown time-out */
#define CONFIGURE     'C'
#define PID_FILE      "supervisor.pid" /* there while a supervisor has the runtime directory */
#define STORE_FD      3                /* and the next, of the supervisor */
#define FIRST_FREE    10

typedef struct {
    apr_proc_t process; /* pid 0: none runs */
    pid_t parent;       /* httpd's; its children hold a copy of this struct */
    int lifeline;       /* -1: none */
    int store[2];       /* descriptors wait here for a successor of the supervisor; -1: none */
    apr_time_t started;
    apr_time_t orphaned; /* since when no supervisor has lived for STEADY_LIFE; 0: one may */
} supervisor_state;

static supervisor_state *state_of(server_rec *s)
{
    apr_pool_t *p = s->process->pool;
    void *data = NULL;
    supervisor_state *state;
    apr_pool_userdata_get(&data, STATE_KEY, p);
    if (data) {
        return data;
    }
    state = apr_pcalloc(p, sizeof(*state));
    state->parent = getpid();
    state->lifeline = -1;
    state->store[0] = -1;
    state->store[1] = -1;
    /* Not setn: the module, and the key with it, is loaded anew for each configuration. */
    apr_pool_userdata_set(state, STATE_KEY, NULL, p);
    return state;
}

static void close_store(supervisor_state *state)
{
    for (int i = 0; i < 2; i++) {
        if (state->store[i] >= 0) {
            close(state->store[i]);
        }
        state->store[i] = -1;
    }
}

/* Both ends are this process's and its supervisors': what is sent and never received waits in the
 * kernel, whoever has died. */
static int open_store(supervisor_state *state)
{
    int bytes = STORE_BYTES;
    if (state->store[0] >= 0) {
        return 1;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, state->store) != 0) {
        state->store[0] = -1;
        state->store[1] = -1;
        return 0;
    }
    /* The first is for root only, the other takes as much as anybody may have. */
    if (setsockopt(state->store[0], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) != 0) {
        setsockopt(state->store[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    }
    return 1;
}

/* Waits in the new process until it may be a supervisor, or httpd ends: then it is needed. */
static void wait_for_start(int lifeline, int delay)
{
    struct pollfd end = {lifeline, POLLRDHUP, 0};
    if (delay > 0) {
        poll(&end, 1, delay);
    }
}

/* Runs in the new process, between fork and exec: only async-signal-safe calls. */
static void become_supervisor(const supervisor_state *state, int lifeline, int delay,
                              char *const arguments[], char *const environment[])
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;
    int store[2];
    const int null = open("/dev/null", O_WRONLY);

    /* httpd signals its whole process group when it stops or restarts. */
    setsid();
    for (int number = 1; number < NSIG; number++) {
        sigaction(number, &action, NULL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    dup2(null, STDOUT_FILENO);
    dup2(lifeline, STDIN_FILENO);
    /* Out of the way of what they become. */
    for (int i = 0; i < 2; i++) {
        store[i] = fcntl(state->store[i], F_DUPFD, FIRST_FREE);
    }
    for (int i = 0; i < 2; i++) {
        dup2(store[i], STORE_FD + i);
    }
    closefrom(STORE_FD + 2);
    /* The lifeline tells the same; this holds even if another module's process keeps the parent's
     * end. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    wait_for_start(STDIN_FILENO, delay);
    if (getppid() == state->parent) {
        execve(arguments[0], arguments, environment);
    }
    _exit(127);
}

/* Hands over what is in config.json and the present error log. */
static void send_configure(supervisor_state *state, server_rec *s)
{
    char byte = CONFIGURE;
    int log = STDERR_FILENO;
    struct iovec data = {&byte, 1};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {.bytes = {0}};
    struct msghdr message = {
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes),
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &log, sizeof(int));
    if (sendmsg(state->lifeline, &message, MSG_NOSIGNAL) < 0) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, errno, s,
                     "TN0031: cannot hand the configuration to the supervisor (pid %ld): it is "
                     "started again when its end is seen",
                     (long)state->process.pid);
    }
}

static void start_supervisor(supervisor_state *state, server_rec *s);

static void supervisor_ended(int reason, void *data, int status)
{
    supervisor_state *state = data;
    server_rec *s = ap_server_conf;
    if (reason != APR_OC_REASON_DEATH && reason != APR_OC_REASON_LOST) {
        return;
    }
    apr_proc_other_child_unregister(state);
    close(state->lifeline);
    state->lifeline = -1;
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, s,
                 "TN0032: the supervisor (pid %ld) ended with %d (exit code, or signal that killed "
                 "it); it is started again",
                 (long)state->process.pid, status);
    state->process.pid = 0;
    if (!state->orphaned || apr_time_now() - state->started >= STEADY_LIFE) {
        state->orphaned = apr_time_now();
    }
    start_supervisor(state, s);
}

/* Until pconf is cleared: APR forgets the callback by itself then, before its code is unloaded. */
static void watch_supervisor(supervisor_state *state, apr_pool_t *p)
{
    apr_proc_other_child_register(&state->process, supervisor_ended, state, NULL, p);
}

/* Workers that nobody can rescue, replace or bound are not to serve for ever. */
static void let_go(supervisor_state *state, server_rec *s)
{
    if (!state->orphaned || apr_time_now() - state->orphaned < TAKEOVER_TIME) {
        return;
    }
    state->orphaned = 0;
    close_store(state);
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, s,
                 "TN0248: no supervisor has lived long enough to go on with the workers for %d "
                 "seconds: they end, and the next supervisor starts new ones",
                 (int)apr_time_sec(TAKEOVER_TIME));
}

static void start_supervisor(supervisor_state *state, server_rec *s)
{
    const tenon_config *config = tenon_configuration;
    apr_pool_t *p = s->process->pconf;
    const char *path = getenv("PATH");
    const char *zone = getenv("TZ");
    const char *language = getenv("LANG");
    char *arguments[] = {(char *)config->node, "--disable-warning=ExperimentalWarning",
                         (char *)config->supervisor, (char *)config->runtime_dir, NULL};
    char *environment[4] = {NULL};
    const apr_time_t now = apr_time_now();
    apr_time_t delay = state->started + LEAST_LIFE - now;
    int count = 0;
    int ends[2];
    pid_t pid;

    environment[count++] =
        apr_pstrcat(p, "PATH=", path ? path : "/usr/local/bin:/usr/bin:/bin", NULL);
    if (language) {
        environment[count++] = apr_pstrcat(p, "LANG=", language, NULL);
    }
    if (zone) {
        environment[count++] = apr_pstrcat(p, "TZ=", zone, NULL);
    }
    delay = delay > 0 && delay <= LEAST_LIFE ? delay : 0;
    state->started = now + delay;
    let_go(state, s);
    if (!open_store(state) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, errno, s,
                     "TN0033: cannot make the supervisor's lifeline");
        return;
    }
    pid = fork();
    if (pid == 0) {
        become_supervisor(state, ends[1], (int)apr_time_as_msec(delay), arguments, environment);
    }
    close(ends[1]);
    if (pid < 0) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, errno, s, "TN0034: cannot start the supervisor");
        close(ends[0]);
        return;
    }
    memset(&state->process, 0, sizeof(state->process));
    state->process.pid = pid;
    state->lifeline = ends[0];
    watch_supervisor(state, p);
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, "TN0035: started the supervisor (pid %ld)",
                 (long)pid);
    send_configure(state, s);
}

/* Ends the lifeline and waits until the supervisor has stopped all workers. */
static void end_lifeline(supervisor_state *state)
{
    const tenon_config *config = tenon_configuration;
    struct pollfd end = {state->lifeline, POLLIN, 0};
    int limit = 0;
    for (int i = 0; i < config->pools->nelts; i++) {
        const tenon_pool *pool = APR_ARRAY_IDX(config->pools, i, tenon_pool *);
        limit = pool->shutdown_timeout > limit ? pool->shutdown_timeout : limit;
    }
    shutdown(state->lifeline, SHUT_WR);
    if (poll(&end, 1, limit + STOP_GRACE_MS) <= 0) {
        kill(state->process.pid, SIGKILL);
    }
    waitpid(state->process.pid, NULL, 0);
    close(state->lifeline);
    state->lifeline = -1;
    state->process.pid = 0;
}

static void stop_supervisor(supervisor_state *state)
{
    const char *path = apr_pstrcat(ap_server_conf->process->pconf, tenon_configuration->runtime_dir,
                                   "/" PID_FILE, NULL);
    end_lifeline(state);
    /* It died before it had ended the workers and removed what it has made. */
    if (access(path, F_OK) == 0) {
        start_supervisor(state, ap_server_conf);
        if (state->process.pid > 0) {
            end_lifeline(state);
        }
    }
    close_store(state);
}

/* Runs when pconf is cleared: before each restart, and at the end. */
static apr_status_t configuration_ends(void *data)
{
    supervisor_state *state = data;
    if (getpid() != state->parent) {
        return APR_SUCCESS;
    }
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_EXITING && state->process.pid > 0) {
        stop_supervisor(state);
    }
    return APR_SUCCESS;
}

static int post_config(apr_pool_t *p, apr_pool_t *log_pool, apr_pool_t *temp, server_rec *s)
{
    supervisor_state *state;
    (void)log_pool;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG ||
        ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST) {
        return OK;
    }
    state = state_of(s);
    if (tenon_configuration->pools->nelts == 0 && state->process.pid == 0) {
        return OK;
    }
    /* A restart goes on with the pools as they are: httpd would end otherwise, with all it serves.
     */
    if (tenon_handover_write(tenon_configuration, s, temp) != APR_SUCCESS &&
        state->process.pid == 0) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    apr_pool_cleanup_register(p, state, configuration_ends, apr_pool_cleanup_null);
    if (state->process.pid == 0) {
        start_supervisor(state, s);
    } else {
        watch_supervisor(state, p);
        send_configure(state, s);
    }
    return OK;
}

/* One that could not be started is tried again here: the MPM runs this every ten seconds or ten
 * children.
 */
static int monitor(apr_pool_t *p, server_rec *s)
{
    supervisor_state *state = state_of(s);
    (void)p;
    if (state->process.pid == 0 && tenon_configuration->pools->nelts > 0) {
        start_supervisor(state, s);
    }
    return DECLINED;
}

/* Only the parent may hold these: the supervisor must see the parent's death, and workers that of
 * both. */
static void child_init(apr_pool_t *p, server_rec *s)
{
    supervisor_state *state = state_of(s);
    (void)p;
    if (state->parent == getpid()) {
        return;
    }
    if (state->lifeline >= 0) {
        close(state->lifeline);
        state->lifeline = -1;
    }
    close_store(state);
}

void tenon_supervise_register(void)
{
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_LAST);
    ap_hook_monitor(monitor, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_FIRST);
}
