// SPDX-License-Identifier: Apache-2.0
// Loads the addon (native/addon): what Node itself has no door for. Called by ts/channel, ts/worker and ts/supervisor.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { fail } from "./errors.ts";

/** Who is at the other end of a Unix socket (SO_PEERCRED, unix(7)): for a connected socket the process that connected or listened. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Calls back, on the event loop, whenever a descriptor can be read (level-triggered). Made stopped. */
export interface ReadWatcher {
  start(): void;
  stop(): void;
  /** Ends the watcher; the descriptor stays open and is the caller's. */
  close(): void;
}

/** A connection taken from a listening socket. */
export interface AcceptedConnection extends PeerCredentials {
  readonly fd: number;
}

/** A message that came with descriptors. An empty `data` is the end of file. */
export interface DescriptorMessage {
  readonly data: Buffer;
  readonly descriptors: number[];
}

export interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, all of them. */
  readonly groups: readonly number[];
}

export interface Limits {
  /** RLIMIT_NOFILE, soft and hard. */
  readonly openFiles?: number;
  /** RLIMIT_CORE in bytes, soft and hard. */
  readonly coreBytes?: number;
  /** RLIMIT_NPROC of the worker's user. */
  readonly processes?: number;
}

/** The addon's functions. All throw an Error with `code` (an errno name such as "EADDRINUSE") and `syscall`; a wrong argument throws TypeError with code TENON_ERR_ARGUMENT. */
export interface Native {
  /** Maps a scoreboard file (mmap, shared). The memory is unmapped when the ArrayBuffer is collected. @param length bytes, at most the file's size */
  mapScoreboard(fd: number, length: number, writable: boolean): ArrayBuffer;
  /** Watches a descriptor for reading. Keeps the event loop alive while started. */
  createReadWatcher(fd: number, onReadable: () => void): ReadWatcher;
  /** Takes one connection from a listening Unix socket, non-blocking and close-on-exec; connections whose peer has gone already are closed and passed over. undefined when none waits. */
  acceptConnection(fd: number): AcceptedConnection | undefined;
  /** Binds and listens on a Unix socket path (an old socket there is removed) without accepting. @param mode permissions of the path. Returns the descriptor, close-on-exec, non-blocking. */
  listenUnix(path: string, backlog: number, mode: number): number;
  /** Gives a listening socket another backlog (listen(2) once more); connections that wait stay. */
  setBacklog(fd: number, backlog: number): void;
  peerCredentials(fd: number): PeerCredentials;
  /** Sends data (1 to 32,768 bytes, all or none) with descriptors over a Unix socket (sendmsg, SCM_RIGHTS). EAGAIN: a non-blocking one has no room. */
  sendDescriptors(fd: number, data: Uint8Array, descriptors: readonly number[]): void;
  /** Receives one message with at most 16 descriptors (close-on-exec); undefined when nothing waits. */
  receiveDescriptors(fd: number): DescriptorMessage | undefined;
  /** pipe2(2) with close-on-exec: [reading end, writing end]. */
  createPipe(): [number, number];
  /** socketpair(2): two connected Unix stream sockets, close-on-exec. */
  createSocketPair(): [number, number];
  /** dup2(2): `to` becomes what `from` is, not close-on-exec. */
  duplicateOnto(from: number, to: number): void;
  setCloseOnExec(fd: number): void;
  setLimits(limits: Limits): void;
  /** Becomes another user for good: groups, gid and uid (real, effective, saved), no_new_privs; then proves that root cannot be had back, or aborts the process. */
  dropPrivileges(identity: Identity): void;
  /** Supplementary groups of a user from the system's databases (getgrouplist(3)), `gid` among them. */
  groupsOf(user: string, gid: number): number[];
  /** uid, gid, home and shell of a user (getpwnam(3)), undefined when there is none. */
  userByName(user: string): { uid: number; gid: number; home: string; shell: string } | undefined;
  /** gid of a group (getgrnam(3)), undefined when there is none. */
  groupByName(group: string): number | undefined;
  /** All rows of native/wire/protocol.h as the C compiler sees them: table name to row name to value. */
  readonly protocol: Readonly<Record<string, Readonly<Record<string, number | string>>>>;
}

function load(): Native {
  const root = fileURLToPath(new URL("..", import.meta.url));
  try {
    return createRequire(import.meta.url)("node-gyp-build")(root) as Native;
  } catch (cause) {
    throw fail("TENON_ERR_ADDON", { root }, cause);
  }
}

let loaded: Native | undefined;

/** The addon, loaded at the first call. @throws {TENON_ERR_ADDON} when there is no build for this machine. */
export function native(): Native {
  loaded ??= load();
  return loaded;
}
