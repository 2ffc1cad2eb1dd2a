// SPDX-License-Identifier: Apache-2.0
// What a supervisor inherits from one that has died: the pools, their queue sockets and their living workers (docs/architecture.md,
// "Supervisor's death"). Called by supervisor.ts; the pieces are stored by pool-queue.ts and worker-process.ts.
import { closeSync, fstatSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { native } from "../native.ts";
import type { DescriptorStore, StoredDescriptors } from "./descriptor-store.ts";
import { Generations } from "./generations.ts";
import { UNKNOWN_END } from "./last-words.ts";
import type { PoolConfiguration } from "./pool-configuration.ts";
import { ScoreboardFile } from "./scoreboard-file.ts";
import { type HeldProcess, killGroup, type SignalName } from "./spawn.ts";

/** Descriptors of a worker in the order in which they are stored. */
export interface WorkerDescriptors {
  readonly control: number;
  readonly stdout: number;
  readonly stderr: number;
  readonly scoreboard: number;
  /** Of the process itself (pidfd_open(2)). */
  readonly process: number;
}

/** Which worker it is. */
export interface WorkerPlace {
  readonly slot: number;
  readonly incarnation: number;
  readonly generation: number;
  /** Monotonic ms. */
  readonly spawnedAt: number;
}

/** A worker that was spawned by a predecessor. */
export interface InheritedWorker extends WorkerPlace, WorkerDescriptors {
  readonly pid: number;
}

/** A pool that a predecessor had. */
export interface InheritedPool {
  readonly name: string;
  readonly queue: number;
  readonly workers: readonly InheritedWorker[];
}

export function queueKey(pool: string): string {
  return `queue ${pool}`;
}

export function workerKey(pool: string, slot: number, incarnation: number): string {
  return `worker ${pool} ${slot} ${incarnation}`;
}

export function storeQueue(store: DescriptorStore, pool: string, queue: number): boolean {
  return store.keep(queueKey(pool), { pool }, [queue]);
}

/** Stores what a successor needs of a worker that was spawned. @param scoreboard that it has mapped @returns why not; undefined: it did */
export function storeWorker(
  store: DescriptorStore,
  pool: string,
  { slot, incarnation, generation, spawnedAt }: WorkerPlace,
  { pid, control, stdout, stderr }: HeldProcess,
  scoreboard: number,
): string | undefined {
  if (pid === undefined) return undefined;
  const key = workerKey(pool, slot, incarnation);
  const facts = { pool, slot, incarnation, generation, pid, spawnedAt };
  let process: number | undefined;
  try {
    process = native().openProcess(pid);
    const kept = store.keep(key, facts, [control, stdout, stderr, scoreboard, process]);
    return kept ? undefined : "there is no room";
  } catch (error) {
    return String(error);
  } finally {
    if (process !== undefined) closeSync(process);
  }
}

function asWorker({ facts, descriptors }: StoredDescriptors): InheritedWorker {
  const number = (name: string): number => Number(facts[name]);
  const fd = (index: number): number => descriptors[index] as number;
  return {
    slot: number("slot"),
    incarnation: number("incarnation"),
    generation: number("generation"),
    pid: number("pid"),
    spawnedAt: number("spawnedAt"),
    control: fd(0),
    stdout: fd(1),
    stderr: fd(2),
    scoreboard: fd(3),
    process: fd(4),
  };
}

function closeWorker({ control, stdout, stderr, scoreboard, process }: InheritedWorker): void {
  for (const fd of [control, stdout, stderr, scoreboard, process]) closeSync(fd);
}

/** Gives the pools of dead predecessors. A worker whose pool was given up is let go of: it drains. */
export function readInherited(store: DescriptorStore): InheritedPool[] {
  const all = store.takeOver();
  const isQueue = ({ key, facts }: StoredDescriptors): boolean =>
    key === queueKey(String(facts["pool"]));
  const pools = all.filter(isQueue).map(({ facts, descriptors }) => ({
    name: String(facts["pool"]),
    queue: descriptors[0] as number,
    workers: [] as InheritedWorker[],
  }));
  for (const stored of all) {
    if (isQueue(stored)) continue;
    const worker = asWorker(stored);
    const pool = pools.find(({ name }) => name === stored.facts["pool"]);
    if (pool !== undefined) pool.workers.push(worker);
    else {
      store.drop(stored.key);
      closeWorker(worker);
    }
  }
  return pools;
}

/** A worker with what it was made from. */
export interface ExaminedWorker {
  readonly inherited: InheritedWorker;
  readonly configuration: PoolConfiguration;
  /** The one that it has mapped, where it is not the pool's present one. */
  readonly scoreboard: ScoreboardFile | undefined;
}

/** An inherited pool that can be gone on with. */
export interface ExaminedPool {
  readonly queue: number;
  readonly generation: number;
  readonly configuration: PoolConfiguration;
  readonly scoreboard: ScoreboardFile;
  readonly workers: readonly ExaminedWorker[];
}

/**
 * Finds out what an inherited pool was made from. Owns nothing of it when it throws.
 * @param directory of the pool
 * @throws errors of the system, {TENON_ERR_SCOREBOARD}: when the files are not there any more, or of another version
 */
export function examine(inherited: InheritedPool, directory: string): ExaminedPool {
  const { queue } = inherited;
  const generations = new Generations(directory);
  const generation = generations.newest();
  const path = join(directory, "scoreboard");
  const workers = inherited.workers.map((worker) => ({
    inherited: worker,
    configuration: generations.read(worker.generation),
    scoreboard: isFile(path, worker.scoreboard)
      ? undefined
      : ScoreboardFile.inherit(path, worker.scoreboard),
  }));
  const configuration = generations.read(generation);
  const scoreboard = ScoreboardFile.open(path);
  for (const worker of inherited.workers) closeSync(worker.scoreboard);
  return { queue, generation, configuration, scoreboard, workers };
}

function isFile(path: string, fd: number): boolean {
  const [one, other] = [statSync(path), fstatSync(fd)];
  return one.ino === other.ino && one.dev === other.dev;
}

/** Lets go of a pool that cannot be gone on with: its workers drain, and nobody waits in its queue any more. */
export function giveUp(store: DescriptorStore, { name, queue, workers }: InheritedPool): void {
  store.drop(queueKey(name));
  closeSync(queue);
  for (const worker of workers) {
    store.drop(workerKey(name, worker.slot, worker.incarnation));
    closeWorker(worker);
  }
}

/** Index of exit_code in what follows the name in /proc/<pid>/stat (proc(5)). */
const EXIT_CODE = 49;

/** The wait status of a process that has ended and that nobody has reaped yet; undefined when it is not so, or not for us to know. */
function zombieStatus(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    if (fields[0] !== "Z") return undefined;
    const status = Number(fields[EXIT_CODE]);
    return status === 0 && !mayTrace(pid) ? undefined : status;
  } catch {
    // It has been reaped.
    return undefined;
  }
}

/** Whether the kernel tells us of a process what it tells a debugger; otherwise it says 0. */
function mayTrace(pid: number): boolean {
  try {
    readlinkSync(`/proc/${pid}/exe`);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}

/** How a process that is no child of ours has ended, as far as the system tells. */
function causeOf(pid: number, fd: number): string {
  const status = zombieStatus(pid) ?? native().exitStatus(fd);
  if (status === undefined) return UNKNOWN_END;
  // wait(2): the signal in the low seven bits, else the exit code in the next byte.
  const signal = status & 0x7f;
  if (signal === 0) return `exited with code ${(status >> 8) & 0xff}`;
  const [name] = Object.entries(constants.signals).find(([, value]) => value === signal) ?? [];
  return `killed by ${name ?? `signal ${signal}`}`;
}

/** Holds an inherited process. @param onExit as of spawnWorker */
export function holdInherited(
  inherited: InheritedWorker,
  onExit: (cause: string) => void,
): HeldProcess {
  const { pid, control, stdout, stderr, process: fd } = inherited;
  const watcher = native().createReadWatcher(fd, () => {
    watcher.close();
    onExit(causeOf(pid, fd));
  });
  watcher.start();
  return {
    pid,
    control,
    stdout,
    stderr,
    signal: (signal) => signalInherited(pid, fd, signal),
    close: () => closeSync(fd),
  };
}

function signalInherited(pid: number, fd: number, signal: SignalName): void {
  if (signal === "SIGKILL") killGroup(pid, () => native().signalProcess(fd, 0));
  else native().signalProcess(fd, constants.signals[signal]);
}
