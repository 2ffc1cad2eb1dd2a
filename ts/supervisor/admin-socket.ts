// SPDX-License-Identifier: Apache-2.0
// The socket by which an administrator's commands (ts/cli) reach the supervisor: one JSON object a line, both ways (docs/architecture.md). Made by
// supervisor.ts. Open to root and to the user of the runtime directory only.
import { closeSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { native, type ReadWatcher } from "../native.ts";
import type { Clock, Timer } from "./clock.ts";

/** A pool as far as it can be restarted by command. */
export interface Restartable {
  readonly name: string;
  restart(kind: "together" | "rolling"): void;
  /** How far the newest generation is. */
  progress(): Progress;
}

/** How far a generation is. */
export interface Progress {
  readonly generation: number;
  /** Its workers that are ready. */
  readonly ready: number;
  /** Workers of earlier generations that still serve. */
  readonly left: number;
  /** Why it does not start. */
  readonly failure: string | undefined;
}

/** Name of the socket in the runtime directory. */
export const ADMIN_SOCKET = "control";
const MODE = 0o600;
const BACKLOG = 8;
const LONGEST_COMMAND = 65_536;
const LOOK_MS = 50;

/** A command: all pools when `pools` is empty. */
interface Restart {
  readonly pools: readonly string[];
  readonly rolling: boolean;
}

/** Checks a command. @returns what is wrong with it where it is none */
export function parseCommand(line: string): Restart | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return "a command is one JSON object on a line";
  }
  if (typeof value !== "object" || value === null) return "a command is a JSON object";
  const { command, pools = [], rolling = false } = value as Readonly<Record<string, unknown>>;
  if (command !== "restart")
    return `there is no command ${JSON.stringify(command)}: restart is one`;
  const areNames = Array.isArray(pools) && pools.every((name) => typeof name === "string");
  if (!areNames) return "pools must be an array of names";
  if (typeof rolling !== "boolean") return "rolling must be true or false";
  return { pools, rolling };
}

/** Listens from its making until `close`. */
export class AdminSocket {
  readonly #path: string;
  readonly #fd: number;
  readonly #watcher: ReadWatcher;
  readonly #pools: () => readonly Restartable[];
  readonly #clock: Clock;
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Map<Socket, Timer>();

  /** @param path in the runtime directory @throws errors of the system */
  constructor(path: string, pools: () => readonly Restartable[], clock: Clock) {
    this.#path = path;
    this.#pools = pools;
    this.#clock = clock;
    this.#fd = native().listenUnix(path, BACKLOG, MODE);
    this.#watcher = native().createReadWatcher(this.#fd, () => this.#accept());
    this.#watcher.start();
  }

  close(): void {
    this.#watcher.close();
    closeSync(this.#fd);
    rmSync(this.#path, { force: true });
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(): void {
    const connection = native().acceptConnection(this.#fd);
    if (connection === undefined) return;
    const allowed = [0, process.geteuid?.() ?? 0].includes(connection.uid);
    if (allowed && this.#sockets.size < BACKLOG) this.#open(connection.fd);
    else closeSync(connection.fd);
  }

  #open(fd: number): void {
    const socket = new Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
    this.#sockets.add(socket);
    let text = "";
    let asked = false;
    socket.setEncoding("utf8");
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#timers.get(socket)?.cancel();
      this.#timers.delete(socket);
    });
    socket.on("data", (piece: string) => {
      if (asked) return;
      text += piece;
      const end = text.indexOf("\n");
      if (end < 0 && text.length <= LONGEST_COMMAND) return;
      asked = true;
      this.#take(socket, end < 0 ? "" : text.slice(0, end));
    });
    socket.on("end", () => {
      if (!asked) socket.end();
    });
  }

  #take(socket: Socket, line: string): void {
    const command = parseCommand(line);
    if (typeof command === "string") {
      socket.end(`${JSON.stringify({ error: command })}\n`);
      return;
    }
    const all = this.#pools();
    const wanted = new Set(command.pools.map((name) => name.toLowerCase()));
    const chosen = all.filter(({ name }) => wanted.size === 0 || wanted.has(name.toLowerCase()));
    const names = new Set(chosen.map(({ name }) => name.toLowerCase()));
    const missing = [...wanted].filter((name) => !names.has(name));
    if (missing.length > 0) {
      const there = all.map(({ name }) => name).join(", ");
      const error = `there is no pool ${missing.join(", ")}: there are ${there === "" ? "none" : there}`;
      socket.end(`${JSON.stringify({ error })}\n`);
      return;
    }
    for (const pool of chosen) pool.restart(command.rolling ? "rolling" : "together");
    this.#follow(socket, chosen);
  }

  /** Tells how far each pool is until all are done, or one does not start. */
  #follow(socket: Socket, pools: readonly Restartable[]): void {
    const told = new Map<Restartable, string>();
    const open = new Set(pools);
    const look = (): void => {
      for (const pool of open) {
        const progress = pool.progress();
        const { left, failure } = progress;
        if (left === 0 || failure !== undefined) open.delete(pool);
        const line = JSON.stringify({ pool: pool.name, ...progress, done: left === 0 });
        if (told.get(pool) !== line) socket.write(`${line}\n`);
        told.set(pool, line);
      }
      if (open.size === 0) socket.end();
      else this.#timers.set(socket, this.#clock.after(LOOK_MS, look));
    };
    look();
  }
}
