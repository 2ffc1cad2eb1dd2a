// SPDX-License-Identifier: Apache-2.0
// Filters for the tests of the module, good and bad ones. The handler answers what its query asks for.
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

interface Filterable {
  readonly status: number;
  readonly headers: Headers;
  readonly body: ReadableStream<Uint8Array> | null;
}
type Chunks = AsyncGenerator<Uint8Array | string>;

/** Bytes of ASCII letters to upper case: as long as they were. */
function upperBytes(chunk: Uint8Array): Uint8Array {
  return chunk.map((byte) => (byte >= 97 && byte <= 122 ? byte - 32 : byte));
}

function upperStream(): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform: (chunk, controller) => controller.enqueue(upperBytes(chunk)),
  });
}

export const upper = (): TransformStream => upperStream();
export const identity = (): TransformStream => new TransformStream();

/** The same always becomes the same. */
export const steady = (): object => ({ body: upperStream(), deterministic: true });

/** Puts brackets around, by a generator. */
export async function* brackets(_r: unknown, { body }: Filterable): Chunks {
  yield "[";
  if (body !== null) yield* body as unknown as AsyncIterable<Uint8Array>;
  yield "]";
}

/** Touches the head only. */
export function headOnly(_r: unknown, { status, headers }: Filterable): void {
  headers.set("X-Filter", `saw ${status} ${headers.get("content-type")}`);
  headers.delete("X-Secret");
  headers.append("Set-Cookie", "filter=1");
}

/** Asks httpd, and changes the request, while the body waits. */
export async function asking(
  r: {
    variable(text: string): Promise<string>;
    readonly env: { set(name: string, value: string): void };
    readonly headersOut: { set(name: string, value: string): void; delete(name: string): void };
  },
  { headers, body }: Filterable,
): Promise<unknown> {
  r.headersOut.set("X-Before", "the question");
  headers.set("X-Asked", await r.variable("%{REQUEST_METHOD} %{resp:X-Secret}"));
  r.env.set("FILTERED", "yes");
  r.headersOut.set("X-Behind", "it");
  r.headersOut.delete("X-Secret");
  return body?.pipeThrough(upperStream());
}

/** Needs all of the body, and answers with one whose length is known. */
export async function measure(_r: unknown, { headers, body }: Filterable): Promise<object> {
  let bytes = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) bytes += chunk.length;
  headers.set("Content-Type", "application/json");
  return { status: 203, body: JSON.stringify({ bytes }) };
}

export const replaced = (): string => "replaced";
export const emptied = (): object => ({ body: null });
export const refused = (): number => 403;
export const wrong = (): unknown => new Date(0);
export const ownTag = (): object => ({
  headers: { etag: '"own"', "content-type": "text/plain" },
  body: "own",
});

/** Reads and writes a byte a turn at first, then whole chunks. */
export async function* slowly(_r: unknown, { body }: Filterable): Chunks {
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    await delay(5);
    yield chunk;
  }
}

/** Cuts what comes into pieces of 1 to 7000 bytes, and joins others, by a seed in the query. */
export async function* recut(r: { readonly args?: string }, { body }: Filterable): Chunks {
  let seed = Number(new URLSearchParams(r.args ?? "").get("seed") ?? "1") || 1;
  const next = (most: number): number => {
    seed = (seed * 48271) % 2147483647;
    return 1 + (seed % most);
  };
  let kept: Uint8Array = Buffer.alloc(0);
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    kept = Buffer.concat([kept, chunk]);
    while (kept.length > 0 && next(4) > 1) {
      const size = Math.min(kept.length, next(7000));
      yield upperBytes(kept.subarray(0, size));
      kept = kept.subarray(size);
    }
  }
  yield upperBytes(kept);
}

export function fails(): never {
  throw new Error("this filter fails");
}

export async function* failsLate(_r: unknown, { body }: Filterable): Chunks {
  yield "begun ";
  for await (const _ of body as unknown as AsyncIterable<Uint8Array>) break;
  await delay(20);
  throw new Error("this filter fails late");
}

export const hangs = (): Promise<never> => new Promise(() => undefined);

export async function* hangsLate(_r: unknown, { body }: Filterable): Chunks {
  yield "begun ";
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    yield chunk;
    await hangs();
  }
}

export function dies(): never {
  process.kill(process.pid, "SIGKILL");
  throw new Error("unreachable");
}

export async function* diesLate(_r: unknown, { body }: Filterable): Chunks {
  yield "begun ";
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    yield chunk;
    await delay(50);
    process.kill(process.pid, "SIGKILL");
    await hangs();
  }
}

let cancelled = 0;

/** Never ends, and counts who lets it go. */
export function endless(): object {
  const piece = Buffer.alloc(65_536, "endless ");
  return {
    body: new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(piece),
      cancel: () => {
        cancelled++;
      },
    }),
  };
}

/** Of request bodies. */
export const upperBody = (): TransformStream => upperStream();
export const replacedBody = (): string => "replaced";
export const untouchedBody = (): undefined => undefined;
export const refusedBody = (): number => 422;
export async function* bracketsBody(_r: unknown, body: AsyncIterable<Uint8Array>): Chunks {
  yield "[";
  yield* body;
  yield "]";
}
export async function* failsLateBody(_r: unknown, body: AsyncIterable<Uint8Array>): Chunks {
  for await (const chunk of body) {
    yield chunk;
    throw new Error("this filter of a body fails");
  }
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function pour(response: ServerResponse, count: number): Promise<void> {
  const piece = Buffer.alloc(61_440, "tenon ");
  for (let left = count; left > 0; left -= piece.length) {
    const part = left < piece.length ? piece.subarray(0, left) : piece;
    if (!response.write(part)) await once(response, "drain");
  }
  response.end();
}

export default async function handle(
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://a");
  const path = url.pathname.replace(/^(\/tenon)?\/[^/]+/, "");
  response.setHeader("Content-Type", "text/plain");
  if (path === "/cancelled") return void response.end(String(cancelled));
  if (path === "/bytes") return pour(response, Number(url.searchParams.get("count")));
  if (path === "/status") {
    response.statusCode = Number(url.searchParams.get("code"));
    response.setHeader("X-Secret", "handler");
    return void response.end(
      response.statusCode === 204 || response.statusCode === 304 ? undefined : "status",
    );
  }
  if (path === "/steps") {
    // Each step waits for the client to have said so on another request.
    response.write("one ");
    await delay(Number(url.searchParams.get("ms") ?? "0"));
    return void response.end("two");
  }
  if (path === "/broken") {
    response.write("begun ");
    setTimeout(() => response.destroy(), 50);
    return;
  }
  if (path === "/tagged") {
    response.setHeader("ETag", '"v1"');
    return void response.end("tagged");
  }
  if (path === "/random") {
    const seed = Number(url.searchParams.get("seed"));
    let next = seed;
    for (let left = Number(url.searchParams.get("count")); left > 0; ) {
      next = (next * 48271) % 2147483647;
      const size = Math.min(left, 1 + (next % 20_000));
      left -= size;
      if (!response.write(Buffer.alloc(size, `${size} `))) await once(response, "drain");
      if (next % 3 === 0) await delay(0);
    }
    return void response.end();
  }
  if (path === "/pipe") return void request.pipe(response);
  if (path === "/headers") return void response.end(JSON.stringify(request.headers));
  response.end(await bytesOf(request));
}
