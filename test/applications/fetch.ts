// SPDX-License-Identifier: Apache-2.0
// A fetch application for tests. The last part of the path says what it does.

type Route = (request: Request, query: URLSearchParams) => Response | Promise<Response>;

const encoder = new TextEncoder();
let aborted: string | undefined;
let whenAborted: (() => void) | undefined;

function noteAbort(reason: string): void {
  aborted = reason;
  process.stderr.write(`the signal aborted: ${reason}\n`);
  whenAborted?.();
}

const routes: Readonly<Record<string, Route>> = {
  facts(request) {
    return Response.json({
      method: request.method,
      url: request.url,
      headers: [...request.headers],
      real: request instanceof Request && request.constructor === Request,
    });
  },
  echo(request) {
    return new Response(request.body, { headers: { "X-Echo": "yes" } });
  },
  async text(request) {
    return new Response(await request.text());
  },
  async sink(request) {
    let bytes = 0;
    for await (const chunk of request.body ?? []) bytes += chunk.length;
    return Response.json({ bytes, rss: process.memoryUsage.rss() });
  },
  bytes(_request, query) {
    let left = Number(query.get("n") ?? 1000);
    const chunk = new Uint8Array(65536).fill(120);
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        const size = Math.min(left, chunk.length);
        left -= size;
        if (size > 0) controller.enqueue(chunk.slice(0, size));
        if (left === 0) controller.close();
      },
    });
    return new Response(stream);
  },
  cookies() {
    const headers = new Headers();
    headers.append("Set-Cookie", "a=1");
    headers.append("Set-Cookie", "b=2");
    return new Response("cookies", { status: 201, statusText: "Baked", headers });
  },
  status(_request, query) {
    return new Response(null, { status: Number(query.get("code") ?? 204) });
  },
  throw() {
    throw new Error("fetch threw on purpose");
  },
  nothing() {
    return undefined as unknown as Response;
  },
  late() {
    let sent = false;
    const stream = new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (sent) {
          await new Promise((resolve) => setImmediate(resolve));
          throw new Error("the stream failed on purpose");
        }
        sent = true;
        controller.enqueue(encoder.encode("some of the body"));
      },
    });
    return new Response(stream);
  },
  observe(request) {
    request.signal.addEventListener("abort", () => noteAbort(String(request.signal.reason)));
    process.stderr.write("observing\n");
    return new Promise<Response>(() => {});
  },
  async observed() {
    if (aborted === undefined) {
      await new Promise<void>((resolve) => {
        whenAborted = resolve;
      });
    }
    return new Response(aborted);
  },
};

export default {
  fetch(request: Request): Response | Promise<Response> {
    const url = new URL(request.url);
    const route = routes[url.pathname.split("/").at(-1) ?? ""];
    return route === undefined
      ? new Response("no such test\n", { status: 404 })
      : route(request, url.searchParams);
  },
};
