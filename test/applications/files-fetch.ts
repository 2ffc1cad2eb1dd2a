// SPDX-License-Identifier: Apache-2.0
// A fetch application that answers with files. The last part of the path says how; `path` which file.
import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { Readable } from "node:stream";
import { fileResponse } from "../../ts/index.ts";

type Route = (path: string, query: URLSearchParams) => Response | Promise<Response>;

function toWeb(path: string, options?: object): ReadableStream {
  return Readable.toWeb(createReadStream(path, options)) as unknown as ReadableStream;
}

const kept = new Set<FileHandle>();

const routes: Readonly<Record<string, Route>> = {
  web: (path) => new Response(toWeb(path)),
  part: (path) => new Response(toWeb(path, { start: 100, end: 200_099 })),
  async handle(path) {
    const handle = await open(path);
    kept.add(handle);
    return new Response(handle.readableWebStream() as unknown as ReadableStream);
  },
  /** The application has had the first chunk. */
  async begun(path) {
    const stream = toWeb(path);
    const reader = stream.getReader();
    await reader.read();
    reader.releaseLock();
    return new Response(
      new ReadableStream({
        async pull(controller) {
          const rest = stream.getReader();
          const { value, done } = await rest.read();
          rest.releaseLock();
          if (done) controller.close();
          else controller.enqueue(value);
        },
      }),
    );
  },
  api: (path, query) =>
    fileResponse(path, {
      headers: { "Content-Type": "text/x-test" },
      status: Number(query.get("status") ?? 200),
    }),
  async missing(path) {
    return new Response(toWeb(path));
  },
};

export default {
  fetch(request: Request): Response | Promise<Response> {
    const { pathname, searchParams: query } = new URL(request.url);
    const route = routes[pathname.split("/").at(-1) ?? ""];
    if (route === undefined) return new Response("no such test\n", { status: 404 });
    return route(query.get("path") ?? "", query);
  },
};
