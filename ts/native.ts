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

/** What happened to what is watched (inotify(7)). */
export interface InotifyEvent {
  /** What addInotifyWatch() gave; -1 when events were lost. */
  readonly watch: number;
  /** IN_… of <sys/inotify.h>. */
  readonly mask: number;
  /** Of a file in a directory that is watched, else "". */
  readonly name: string;
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
  /** Whether the peer of a stream socket has closed or shut down its end, whatever waits to be read. */
  hasHungUp(fd: number): boolean;
  /** Sends data (1 to 32,768 bytes, all or none) with descriptors over a Unix socket (sendmsg, SCM_RIGHTS). EAGAIN: a non-blocking one has no room. */
  sendDescriptors(fd: number, data: Uint8Array, descriptors: readonly number[]): void;
  /** Receives one message with at most 16 descriptors (close-on-exec); undefined when nothing waits. @param peek leaves it there (MSG_PEEK): the descriptors are copies */
  receiveDescriptors(fd: number, peek?: boolean): DescriptorMessage | undefined;
  /** pipe2(2) with close-on-exec: [reading end, writing end]. */
  createPipe(): [number, number];
  /** socketpair(2): two connected Unix stream sockets, close-on-exec. */
  createSocketPair(): [number, number];
  /** dup2(2): `to` becomes what `from` is, not close-on-exec. */
  duplicateOnto(from: number, to: number): void;
  setCloseOnExec(fd: number): void;
  /** inotify_init1(2), non-blocking and close-on-exec. */
  createInotify(): number;
  /** Watches a path for the events of `mask` (inotify_add_watch(2)); the same number again when its file is watched already. */
  addInotifyWatch(fd: number, path: string, mask: number): number;
  /** What has happened and was not read yet, as far as it fits into one read; undefined when nothing has. */
  readInotify(fd: number): InotifyEvent[] | undefined;
  setLimits(limits: Limits): void;
  /** Becomes another user for good: groups, gid and uid (real, effective, saved), no_new_privs; then proves that root cannot be had back, or aborts the process. */
  dropPrivileges(identity: Identity): void;
  /** Calls back, at once, while this thread reaches files with the rights of another user (setfsuid(2)): whatever is asynchronous has its own. EPERM when we are not root. */
  withFileAccess<T>(identity: Identity, callback: () => T): T;
  /** Supplementary groups of a user from the system's databases (getgrouplist(3)), `gid` among them. */
  groupsOf(user: string, gid: number): number[];
  /** uid, gid, home and shell of a user (getpwnam(3)), undefined when there is none. */
  userByName(user: string): { uid: number; gid: number; home: string; shell: string } | undefined;
  /** gid of a group (getgrnam(3)), undefined when there is none. */
  groupByName(group: string): number | undefined;
  /** pidfd_open(2): a descriptor for a process, which can be read once that has ended, close-on-exec. ENOSYS before Linux 5.3. */
  openProcess(pid: number): number;
  /** Signals a process by its descriptor; false when it has ended and was reaped. @param number of the signal, 0: only looks */
  signalProcess(fd: number, number: number): boolean;
  /** The wait status (wait(2)) of the process that a descriptor is of, once it has ended and was reaped; undefined before, and where the system does not tell (before Linux 6.15). */
  exitStatus(fd: number): number | undefined;
  /** Kills this process, and its process group where it leads one, `ms` after the peer of a socket has gone or, at most a second later, the socket was closed here, by a thread of its own: also when the event loop does not turn. */
  endWithPeer(fd: number, ms: number): void;
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
