// SPDX-License-Identifier: Apache-2.0
// Clients for the tests of a host: small enough to see every byte and every way to end.
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import type { Readable } from "node:stream";

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly rawHeaders: string[];
  readonly body: Buffer;
  readonly text: string;
  readonly trailers: NodeJS.Dict<string>;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: string | Buffer | Readable;
  /** Unset: a connection of its own. */
  readonly agent?: http.Agent;
  /** Longest time without a byte, ms. Unset: 60,000. */
  readonly timeoutMs?: number;
}

/** Sends the head of a request and gives the request, to be written to. */
export function open(url: string, ask: Ask = {}): http.ClientRequest {
  const request = http.request(url, {
    method: ask.method ?? "GET",
    headers: ask.headers ?? {},
    agent: ask.agent ?? false,
    timeout: ask.timeoutMs ?? 60_000,
  });
  request.on("timeout", () => request.destroy(new Error(`no byte from ${url} in time`)));
  return request;
}

/** Waits for the head of an answer. */
export async function head(request: http.ClientRequest): Promise<http.IncomingMessage> {
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  // One that is cut off while nobody reads it must not end the test run; who reads it still gets the error.
  return response.on("error", () => undefined);
}

/** Reads the rest of an answer. Rejects when it is cut off. */
export async function rest(response: http.IncomingMessage): Promise<Answer> {
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece);
  const body = Buffer.concat(pieces);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    body,
    text: body.toString("latin1"),
    trailers: response.trailers,
  };
}

/** Makes one request and gives the whole answer. Rejects when the connection breaks or the answer is cut off. */
export async function ask(url: string, options: Ask = {}): Promise<Answer> {
  const request = open(url, options);
  const response = head(request);
  const { body } = options;
  if (body === undefined || typeof body === "string" || Buffer.isBuffer(body)) request.end(body);
  else body.on("error", (error) => request.destroy(error)).pipe(request);
  return rest(await response);
}

/** Makes a GET and gives its body as JSON. */
export async function askJson<T>(url: string): Promise<T> {
  const answer = await ask(url);
  if (answer.status !== 200) throw new Error(`${answer.status} from ${url}: ${answer.text}`);
  return JSON.parse(answer.text) as T;
}

/** Sends bytes over a fresh TCP connection and collects what comes back until it ends. @param onText gets all that has come, at each piece */
export async function exchangeBytes(
  port: number,
  bytes: string,
  onText: (text: string) => void = () => undefined,
): Promise<{ text: string; ended: "end" | "reset" }> {
  const socket = net.connect(port, "127.0.0.1").setTimeout(60_000, () => socket.destroy());
  const pieces: Buffer[] = [];
  const text = (): string => Buffer.concat(pieces).toString("latin1");
  socket.on("data", (piece) => {
    pieces.push(piece);
    onText(text());
  });
  const ended = new Promise<"end" | "reset">((resolve) => {
    socket.once("end", () => resolve("end"));
    socket.once("error", () => resolve("reset"));
    socket.once("close", () => resolve("reset"));
  });
  socket.write(bytes);
  const how = await ended;
  socket.destroy();
  return { text: text(), ended: how };
}

/** Begins a request and waits for the head of its answer. Gives what ends the request and settles with the answer's text. */
export async function hold(url: string): Promise<() => Promise<string>> {
  const request = open(url, { method: "POST" });
  request.on("error", () => {});
  request.flushHeaders();
  const response = await head(request);
  return async () => {
    request.end();
    return (await rest(response)).text;
  };
}
