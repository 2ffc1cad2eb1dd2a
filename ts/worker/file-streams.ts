// SPDX-License-Identifier: Apache-2.0
// fs.ReadStream piped into a response: the host gets the file in place of its bytes, and the stream ends as if it had been read.
// Installed by main.ts before the application is loaded.
import type { ReadStream } from "node:fs";
import type { IncomingMessage, OutgoingMessage, ServerResponse } from "node:http";
import { fileOfStream, fs, isUnread } from "../channel/file-streams.ts";
import { http } from "../node-http.ts";
import { ExchangeSocket } from "./exchange-socket.ts";

type Response = ServerResponse<IncomingMessage>;

interface InnerResponse {
  readonly _header: string | null;
  readonly _hasBody: boolean;
  readonly strictContentLength: boolean;
  _implicitHeader(): void;
}

interface InnerStream {
  _read: (size: number) => void;
  bytesRead: number;
  pos: number | undefined;
  readonly _readableState: { readonly pipes: readonly unknown[] };
}

type Pipe = (this: ReadStream, destination: NodeJS.WritableStream, options?: object) => unknown;

const originalWrite = (http.OutgoingMessage.prototype as OutgoingMessage).write;

/** Whether what is written to a response reaches the host as it is: a middleware that changes bodies has a write() of its own. */
function isPlain(response: Response): boolean {
  return (
    response.socket instanceof ExchangeSocket &&
    response.write === originalWrite &&
    response.writableCorked === 0 &&
    !response.strictContentLength &&
    !response.writableEnded &&
    !response.destroyed
  );
}

/** Whether a stream's bytes go to this response and nowhere else. */
function feedsOnly(stream: ReadStream & InnerStream, response: Response): boolean {
  const { pipes } = stream._readableState;
  return (
    pipes.length === 1 &&
    pipes[0] === response &&
    stream.listenerCount("data") === 1 &&
    stream.listenerCount("readable") === 0
  );
}

/** In place of the first read. Returns false when the stream is to be read. */
function handOver(stream: ReadStream & InnerStream, response: Response): boolean {
  if (!isPlain(response) || !isUnread(stream) || !feedsOnly(stream, response)) return false;
  const { exchange } = response.socket as unknown as ExchangeSocket;
  const source = fileOfStream(stream);
  if (source === undefined) return false;
  const inner = response as Response & InnerResponse;
  if (inner._header === null) inner._implicitHeader();
  exchange.sendFile(source, inner._hasBody);
  stream.bytesRead += source.length;
  if (stream.pos !== undefined) stream.pos += source.length;
  stream.push(null);
  return true;
}

/** Has the first read of a stream try a hand-over to the response that it is piped into. */
function watch(stream: ReadStream & Partial<InnerStream>, response: Response): void {
  const tryFirst = (size: number): void => {
    Reflect.deleteProperty(stream, "_read");
    const inner = stream as ReadStream & InnerStream;
    if (!handOver(inner, response)) inner._read(size);
  };
  Object.defineProperty(stream, "_read", { value: tryFirst, configurable: true, writable: true });
}

/** Makes `pipe` of fs.ReadStream, and what is built on it (stream.pipeline), hand files over where the destination is a response of this worker. */
export function handOverPipedFiles(): void {
  const prototype = fs.ReadStream.prototype as unknown as { pipe: Pipe };
  const original = prototype.pipe;
  prototype.pipe = function pipe(destination, options) {
    const response = destination as unknown as Response;
    if (response?.socket instanceof ExchangeSocket && isUnread(this)) watch(this, response);
    return original.call(this, destination, options);
  };
}
