# SPDX-License-Identifier: Apache-2.0
# The same application for mod_wsgi.
import os
import time
from urllib.parse import parse_qs

kept = []


def application(environ, start_response):
    name = environ["PATH_INFO"].split("/")[-1]
    if name == "get":
        body = "answer %s\n" % parse_qs(environ["QUERY_STRING"])["id"][0]
    elif name == "pid":
        body = str(os.getpid())
    elif name == "hog":
        while True:
            kept.append({"index": len(kept), "list": [len(kept)]})
    elif name == "loop":
        while True:
            pass
    else:
        time.sleep(3600)
    text = body.encode()
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))]
    start_response("200 OK", headers)
    return [text]
