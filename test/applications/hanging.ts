// SPDX-License-Identifier: Apache-2.0
// Hangs in the way that the last part of the path says, or as it starts; everything else is answered with the worker's pid.
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";

// Never ready: nobody takes what waits in the pool's queue.
if (process.env["HANG"] === "start") await new Promise((never) => setInterval(never, 2 ** 31 - 1));

const LARGE = 32 * 1024 * 1024;

const ways: Record<string, (res: ServerResponse) => unknown> = {
  /** Never answers. */
  never: () => undefined,
  /** Begins an answer. */
  begun: (res) => res.write("begun"),
  /** More than any buffer on the way to a client that does not read. */
  large: (res) => res.end(Buffer.alloc(LARGE)),
  /** Never lets the event loop turn again. */
  loop: () => {
    for (;;);
  },
};

export default function hanging(req: IncomingMessage, res: ServerResponse): void {
  const way = ways[req.url?.split("/").at(-1) ?? ""];
  if (way === undefined) res.end(String(process.pid));
  else way(res);
}

const never = (): Promise<never> => new Promise(() => undefined);

/** Functions that never return. */
export const accessChecker: () => Promise<never> = never;
export const lookup: () => Promise<never> = never;
export const outputFilter: () => Promise<never> = never;

const released = once(process, "SIGUSR2");

/** Returns once the worker has got SIGUSR2. */
export async function logTransaction(): Promise<void> {
  await released;
}

/** Returns at once. */
export const note = (): void => undefined;

/** A filter that leaves everything as it is. */
export const through = (): TransformStream => new TransformStream();
