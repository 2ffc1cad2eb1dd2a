/* SPDX-License-Identifier: Apache-2.0
 *
 * One row a directive. From the rows come the fields of tenon_config and tenon_pool, the defaults,
 * the command table with its help (httpd -L) and the entries of config.json. docs/apache.md lists
 * the same rows.
 */
#ifndef TENON_DIRECTIVES_H
#define TENON_DIRECTIVES_H

/* clang-format off */

/* Of the whole server: field, directive, kind, help. */
#define TENON_SERVER_TEXTS(X)                                                                       \
    X(runtime_dir, "TenonRuntimeDir", RUNTIME_DIRECTORY, "Directory for sockets and state, relative to httpd's run directory (default: tenon)") \
    X(node, "TenonNode", FILE, "Path of the node executable that runs the supervisor and the workers (22.18 or newer)") \
    X(package, "TenonPackage", DIRECTORY, "Directory of the tenon package that holds the supervisor and the worker")

/* Of a pool, text: field, directive, key in config.json, kind, help. */
#define TENON_POOL_TEXTS(X)                                                                         \
    X(app, "TenonApp", "app", FILE, "The application: a .ts, .js, .mjs or .cjs file, relative to ServerRoot") \
    X(user, "TenonUser", "user", USER, "User that the workers run as, never root (default: httpd's User)") \
    X(group, "TenonGroup", "group", GROUP, "Group that the workers run as (default: the user's own group)") \
    X(directory, "TenonDirectory", "directory", DIRECTORY, "Working directory of the workers (default: the application's directory)")

/* Of a pool, numbers: field, directive, key, kind, default, least, most, help. Times are kept in ms. */
#define TENON_POOL_NUMBERS(X)                                                                       \
    X(concurrency, "TenonConcurrency", "concurrency", COUNT, 100, 1, 10000, "Requests that one worker handles at once, 1 to 10000 (default 100)") \
    X(queue_length, "TenonQueueLength", "queueLength", COUNT, 100, 1, 65535, "Requests that may wait for a worker, 1 to 65535; more get 503 at once (default 100)") \
    X(queue_timeout, "TenonQueueTimeout", "queueTimeoutMs", TIME, 30000, 1, 86400000, "Longest wait for a worker before 503, in seconds or with a unit (default 30)") \
    X(request_timeout, "TenonRequestTimeout", "requestTimeoutMs", TIME, 60000, 1, 86400000, "Longest wait for the application's answer, with no progress, before 504 (default 60)") \
    X(stall_timeout, "TenonStallTimeout", "stallTimeoutMs", TIME, 10000, 1000, 86400000, "Longest time for which code may keep a worker's event loop from turning before it is terminated (default 10)") \
    X(startup_timeout, "TenonStartupTimeout", "startupTimeoutMs", TIME, 30000, 100, 3600000, "Longest time for an application to start (default 30)") \
    X(graceful_timeout, "TenonGracefulTimeout", "gracefulTimeoutMs", TIME, 30000, 0, 86400000, "Longest time for a worker that is replaced to finish its requests (default 30)") \
    X(shutdown_timeout, "TenonShutdownTimeout", "shutdownTimeoutMs", TIME, 5000, 0, 3600000, "Longest time for a worker to exit when httpd stops, before SIGKILL (default 5)") \
    X(idle_timeout, "TenonIdleTimeout", "idleTimeoutMs", TIME, 300000, 1000, 86400000, "Time after which an idle worker above the minimum is stopped (default 300)") \
    X(open_files, "TenonOpenFiles", "openFiles", COUNT, 4096, 64, 1048576, "Most open files of a worker (RLIMIT_NOFILE), 64 to 1048576 (default 4096)") \
    X(umask, "TenonUmask", "umask", OCTAL, 022, 0, 0777, "umask of the workers, octal, such as 0027 (default 022)")

/* The same of what the module alone needs: it is not in config.json, and a change leaves the workers alone. Sizes are kept in
 * KiB, shares as a number or a percentage negated. Field, directive, kind, default, least, most, help. */
#define TENON_HOST_NUMBERS(X)                                                                       \
    X(threads, "TenonThreads", SHARE, -75, -95, 1000000, "Most threads of httpd that the pool may hold, over all children: a number, or 1% to 95% of those that no other pool holds; more requests get 503 at once (default 75%)") \
    X(body_timeout, "TenonBodyTimeout", TIME, 300000, 1, 86400000, "Longest wait for more of a body that has begun, of an answer or of a request that the application reads (default 300)") \
    X(log_memory, "TenonLogMemory", SIZE, 1024, 64, 1048576, "Log records, in bytes or with K, M, G, that a process of httpd holds for a pool that is behind, before TenonLogOverflow (default 1M)") \
    X(log_spill, "TenonLogSpill", SIZE, 262144, 0, 1073741824, "Log records, in bytes or with K, M, G, of all processes that TenonLogOverflow spill keeps in files for a pool beside that (default 256M)")

/* The same of texts. Field, directive, kind, help. */
#define TENON_HOST_TEXTS(X)                                                                         \
    X(maintenance, "TenonMaintenance", PATH, "File that answers for the pool as long as it is there: all its requests get it with 503 and Retry-After (default: none)")

/* clang-format on */
#endif
