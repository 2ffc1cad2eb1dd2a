// SPDX-License-Identifier: Apache-2.0
// The smallest application: a function from a Web Request to a Response.

export default {
  fetch(request: Request): Response {
    const { pathname, searchParams } = new URL(request.url);
    const name = searchParams.get("name") ?? "world";
    return new Response(`Hello, ${name}! You asked for ${pathname}.\n`, {
      headers: { "Content-Type": "text/plain; charset=utf-8" },
    });
  },
};
