# SPDX-License-Identifier: Apache-2.0
# The benchmark's hooks for mod_wsgi, which has none for logging.


def allow_access(environ, host):
    return environ.get("HTTP_X_BENCH") == "yes"


def check_password(environ, user, password):
    return user == "bench" and password == "secret"
