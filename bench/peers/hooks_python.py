# SPDX-License-Identifier: Apache-2.0
# The benchmark's hooks for mod_python.
import os

from mod_python import apache

log_file = None


def access(req):
    if req.headers_in.get("X-Bench") != "yes":
        return apache.HTTP_FORBIDDEN
    return apache.OK


def authenticate(req):
    password = req.get_basic_auth_pw()
    if req.user != "bench" or password != "secret":
        return apache.HTTP_UNAUTHORIZED
    return apache.OK


def log(req):
    global log_file
    if log_file is None:
        log_file = os.open(os.environ["BENCH_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log_file, f"{req.method} {req.uri} {req.status}\n".encode())
    return apache.OK
