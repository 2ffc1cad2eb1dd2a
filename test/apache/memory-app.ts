// SPDX-License-Identifier: Apache-2.0
// Code that takes memory without end, each in a way of its own. The application of memory.test.ts.
import type { IncomingMessage, ServerResponse } from "node:http";

const MEBIBYTE = 1_048_576;
const kept: unknown[] = [];
let count = 0;

/** Ways to take memory: each takes some more, some of it outside of V8's heap. */
export const takers: Readonly<Record<string, () => void>> = {
  objects: () => {
    for (let index = 0; index < 10_000; index++) kept.push({ index, list: [index] });
  },
  buffers: () => kept.push(Buffer.alloc(MEBIBYTE, 1)),
  "array-buffers": () => kept.push(new Uint8Array(MEBIBYTE).fill(1).buffer),
  strings: () => {
    for (let index = 0; index < 10; index++) kept.push(`${count++}`.repeat(20_000).toUpperCase());
  },
  "one-array": () => {
    for (let index = 0; index < 100_000; index++) kept.push(index + 0.5);
  },
  "shared-buffers": () => kept.push(new Uint8Array(new SharedArrayBuffer(MEBIBYTE)).fill(1)),
};

function forever(take: () => void): never {
  for (;;) take();
}

/** Takes a little in each turn of the event loop, so that no single execution does. */
function trickle(mebibytes: number, done: () => void): void {
  for (let taken = 0; taken < 4; taken++) takers["buffers"]?.();
  if (mebibytes <= 4) done();
  else setTimeout(trickle, 10, mebibytes - 4, done);
}

export default function (request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? "", "http://localhost");
  const [, , how = "", name = ""] = url.pathname.split("/");
  const take = takers[name];
  if (how === "pid") {
    response.end(String(process.pid));
  } else if (how === "wait") {
    response.write("waits\n");
    request.resume().on("end", () => response.end("whole\n"));
  } else if (how === "handler" && take !== undefined) {
    forever(take);
  } else if (how === "timer" && take !== undefined) {
    setTimeout(forever, 1, take);
  } else if (how === "keep") {
    for (let taken = 0; taken < Number(name); taken++) takers["buffers"]?.();
    response.end(String(process.pid));
  } else if (how === "trickle") {
    trickle(Number(name), () => response.end("taken\n"));
  } else if (how === "fill") {
    // One call of native code, which nothing interrupts.
    kept.push(Buffer.alloc(Number(name) * MEBIBYTE).fill("ab"));
    response.end("filled\n");
  }
}
