// SPDX-License-Identifier: Apache-2.0
// The same 12 bytes from a fetch handler.

const init = { headers: { "Content-Type": "text/plain" } };

interface FetchApplication {
  fetch(request: Request): Response;
}

const application: FetchApplication = {
  fetch: () => new Response("hello world\n", init),
};

export default application;
