// SPDX-License-Identifier: Apache-2.0
// Keeps the memory of large bodies flat. Called by exchange.ts for each chunk.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Bytes of large bodies after which young garbage is collected. V8 by itself waits for some 32 MiB of buffers that nobody holds any more.
 * Measured on Node 24 with 256 MiB up and 256 MiB down: resident memory grew by 53 MiB without this and by 5 MiB with it, in the same time.
 */
const COLLECT_BYTES = 4194304;

type Collect = (options: { type: "minor" }) => void;

let collect: Collect | undefined;
let uncollectedBytes = 0;

function loadCollector(): Collect {
  setFlagsFromString("--expose-gc");
  const loaded = runInNewContext("gc") as Collect;
  setFlagsFromString("--no-expose-gc");
  return loaded;
}

/** Counts bytes of a body that is large. */
export function countLargeBody(bytes: number): void {
  uncollectedBytes += bytes;
  if (uncollectedBytes < COLLECT_BYTES) return;
  uncollectedBytes = 0;
  collect ??= loadCollector();
  collect({ type: "minor" });
}
