// SPDX-License-Identifier: Apache-2.0
// The supervisor's end of a worker's control socket: one JSON object a line (docs/architecture.md). What comes from a worker is
// hostile: a line of bounded length, and nothing of it is believed that was not checked.
import { Socket } from "node:net";
import { isAbsolute } from "node:path";
import type { FileStamp, SupervisorMessage, WorkerMessage } from "../channel/control-messages.ts";

/** A message of files has at most 32 paths. */
const LONGEST_MESSAGE_CHARACTERS = 262_144;
/** PATH_MAX */
const LONGEST_PATH = 4096;

/** Those that are paths and stamps. */
function stampsOf(value: unknown): FileStamp[] {
  if (!Array.isArray(value)) return [];
  return value.filter((item: unknown): item is FileStamp => {
    if (!Array.isArray(item) || item.length !== 2) return false;
    const [path, stamp]: unknown[] = item;
    if (typeof path !== "string" || typeof stamp !== "string") return false;
    return path.length < LONGEST_PATH && isAbsolute(path) && !path.includes("\0");
  });
}

/** Checks one line; undefined when it is no message that we know. */
export function parseWorkerMessage(line: string): WorkerMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // Not JSON: the application may have found the descriptor and written to it.
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { type, shape, code, message, stack, inFlight, ...rest } = value as Readonly<
    Partial<Record<string, unknown>>
  >;
  const text = (part: unknown): string => (typeof part === "string" ? part : "");
  if (type === "ready") return { type, shape: text(shape) };
  if (type === "failed") {
    return { type, code: text(code), message: text(message), stack: text(stack) };
  }
  if (type === "draining") return { type, inFlight: typeof inFlight === "number" ? inFlight : 0 };
  if (type === "loaded") return { type, files: stampsOf(rest["files"]) };
  if (type === "outdated") return { type, file: text(rest["file"]).slice(0, LONGEST_PATH) };
  if (type === "purge") {
    return typeof rest["export"] === "string" ? { type, export: rest["export"] } : { type };
  }
  return undefined;
}

/** A control socket. Owns its descriptor; ends with the worker. */
export class Control {
  readonly #socket: Socket;
  #rest = "";

  /** @param onClosed called when the worker's end is closed, as its exit does, too */
  constructor(fd: number, onMessage: (message: WorkerMessage) => void, onClosed: () => void) {
    this.#socket = new Socket({ fd, readable: true, writable: true });
    this.#socket.setEncoding("utf8");
    this.#socket.on("data", (text: string) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop() ?? "";
      if (this.#rest.length > LONGEST_MESSAGE_CHARACTERS) this.#rest = "";
      for (const line of lines) {
        const message = parseWorkerMessage(line);
        if (message !== undefined) onMessage(message);
      }
    });
    // A worker that is gone is told by its exit.
    this.#socket.on("error", () => {});
    this.#socket.once("end", onClosed);
  }

  send(message: SupervisorMessage): void {
    // A predecessor may have died in the midst of a line.
    if (this.#socket.writable) this.#socket.write(`\n${JSON.stringify(message)}\n`);
  }

  close(): void {
    this.#socket.destroy();
  }
}
