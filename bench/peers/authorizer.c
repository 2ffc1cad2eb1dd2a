/* SPDX-License-Identifier: Apache-2.0
 *
 * A FastCGI authorizer for mod_authnz_fcgi, in the leanest form there is: one process, no
 * framework. Prints the port that it listens on; built by bench/build.ts against libfcgi.
 */
#include <arpa/inet.h>
#include <fcgiapp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static int listen_on_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    const int listener = socket(AF_INET, SOCK_STREAM, 0);

    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 ||
        listen(listener, SOMAXCONN) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        return -1;
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static int is(const FCGX_Request *request, const char *name, const char *expected)
{
    const char *value = FCGX_GetParam(name, request->envp);
    return value && strcmp(value, expected) == 0;
}

int main(void)
{
    FCGX_Request request;
    const int listener = listen_on_loopback();

    if (listener < 0 || FCGX_Init() != 0 || FCGX_InitRequest(&request, listener, 0) != 0)
        return 1;
    while (FCGX_Accept_r(&request) >= 0) {
        const int right =
            is(&request, "REMOTE_USER", "bench") && is(&request, "REMOTE_PASSWD", "secret");
        FCGX_PutS(right ? "Status: 200\r\n\r\n" : "Status: 401\r\n\r\n", request.out);
        FCGX_Finish_r(&request);
    }
    return 0;
}
