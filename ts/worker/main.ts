// SPDX-License-Identifier: Apache-2.0
// The entry of a worker process. The supervisor spawns it with the descriptors of docs/architecture.md, "A worker's start"; it calls
// bootstrap.ts, loads the application (load.ts) and lets runtime.ts serve it.
import { closeSync, writeSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { Socket } from "node:net";
// Loaded when an application needs it, but from then on the compile cache is out of reach: here it is compiled only once.
import "../adapter/fetch.ts";
import { Takeover } from "../adapter/server.ts";
import type {
  StartMessage,
  SupervisorMessage,
  WorkerMessage,
} from "../channel/control-messages.ts";
import { currentExchange } from "../channel/exchange.ts";
import { SlotBoard } from "../channel/slot-board.ts";
import { provideDecisions } from "../decisions.ts";
import { TenonError } from "../errors.ts";
import { provideFacts } from "../facts.ts";
import { ANY_HOOK, type HookExports } from "../hooks/exports.ts";
import { HookRunner } from "../hooks/runner.ts";
import { native } from "../native.ts";
import { ScoreboardHeader } from "../wire/protocol.ts";
import { Scoreboard, scoreboardSize } from "../wire/scoreboard.ts";
import { bootstrap, Descriptor } from "./bootstrap.ts";
import { exitNow, interceptExit, noteUncaught } from "./exit.ts";
import { reportUncaught } from "./failure.ts";
import { handOverPipedFiles } from "./file-streams.ts";
import { explainLoad, loadApplication } from "./load.ts";
import { LoadedFiles } from "./loaded-files.ts";
import { discardOutput } from "./orphan-output.ts";
import { offerOwnPackage } from "./own-package.ts";
import { endAbandonedRescue, finishRescue, offerRescue } from "./rescue.ts";
import { Runtime } from "./runtime.ts";
import { asStart, ControlSocket } from "./start.ts";

const STDERR = 2;
/** What Node has compiled of the application is kept so long after it is ready, ms. */
const KEEP_COMPILED_MS = 1000;
/** Argument of a process that only fills the cache (ts/supervisor/compile-cache.ts). */
const COMPILE_ONLY = "--compile-only";

let runtime: Runtime | undefined;
let start: StartMessage | undefined;
let exitCode = 0;
/** Whether the application is loaded and the gates are open. */
let served = false;
/** The application has been told that it is to end. */
let told = false;
/** Whether the application ends by itself once its last request is over. */
let endsItself = false;
let drained = false;
/** The application has called process.exit(). */
let left = false;
/** What the application is made from; undefined where that is not watched. */
let files: LoadedFiles | undefined;
/** Time for what is open when the worker drains; unset: the graceful time-out. */
let drainMs: number | undefined;
/** What a supervisor must know, said again to one that has not heard it. */
let ready: WorkerMessage | undefined;

function log(line: string): void {
  try {
    writeSync(STDERR, `${line}\n`);
  } catch {
    // The pipe is full and its reader is gone or behind: a line less must not stop a worker.
  }
}

function where(): string {
  return start === undefined ? "" : `${start.pool} ${start.slot}`;
}

function openSlot(message: StartMessage): SlotBoard {
  // The file holds a whole number of slots; its header tells how many, so it is mapped twice: for the header, then whole.
  const header = new Uint32Array(
    native().mapScoreboard(Descriptor.scoreboard, scoreboardSize(0), true),
  );
  const slots = header[ScoreboardHeader.SLOTS] ?? 0;
  const memory = native().mapScoreboard(Descriptor.scoreboard, scoreboardSize(slots), true);
  // An application that had the file could cut it short, and whoever has it mapped, httpd too, would die of SIGBUS.
  closeSync(Descriptor.scoreboard);
  return new SlotBoard(new Scoreboard(memory), message.slot);
}

function exitFailed(error: unknown): void {
  const known = error instanceof TenonError;
  const code = known ? error.code : "TENON_ERR_APPLICATION_LOAD";
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? message) : message;
  control.say({ type: "failed", code, message, stack }, () => exitNow(1));
}

function drain(): void {
  if (runtime === undefined) exitNow(exitCode);
  runtime.drain(drainMs);
}

/** SIGTERM came: the application's listeners hear it too. A second one, when nothing is open any more, ends what waits for the application. */
function onTerminate(): void {
  if (drained) exitNow(exitCode);
  told = true;
  endsItself = process.listenerCount("SIGTERM") > 1;
  drain();
}

/** The application exits: it does when its requests are over, at once. */
function leave(code: number | string | null | undefined): void {
  exitCode = Number(code ?? process.exitCode ?? 0);
  left = true;
  endsItself = false;
  runtime?.drain(drainMs);
  runtime?.leaveTunnels();
}

/** Drains, and tells the application as a Node.js program is told that it is to end. */
function terminate(): void {
  if (!told) process.emit("SIGTERM", "SIGTERM");
  // An application may have removed our listener.
  drain();
}

/** Nothing is open any more: an application that ends by itself has the shutdown time-out for it. */
function onDrained(takeover: Takeover): void {
  drained = true;
  const closed = takeover.release();
  if (left || exitCode !== 0 || !(endsItself || closed)) exitNow(exitCode);
  control.keepAlive(false);
  setTimeout(() => exitNow(exitCode), start?.shutdownTimeoutMs).unref();
}

function onUncaught(error: unknown, origin: string): void {
  // An application with a listener of its own handles it, as under node:http.
  if (process.listenerCount("uncaughtException") > 1) {
    noteUncaught(error);
    return;
  }
  if (runtime === undefined || start === undefined || !served) {
    if (start === undefined) exitFailed(error);
    else explainLoad(start.app, error).then(exitFailed, exitFailed);
    return;
  }
  exitCode = 1;
  reportUncaught(error, origin, where(), log);
  runtime.drain();
  // Nobody waits for the end of a tunnel, and what its code has failed in may be broken for good.
  runtime.leaveTunnels();
}

/** Keeps what Node has compiled of Tenon's own code for the next worker. */
function keepCompiled(): void {
  // Loaded here, so that its loader's code is kept too.
  native();
  flushCompileCache();
}

/** Says which hooks the configuration names in vain: their requests will fail. */
function tellMissing({ app, exports }: StartMessage, hooks: HookExports): void {
  const missing = exports.filter((name) => name !== ANY_HOOK && !hooks.has(name));
  if (missing.length === 0) return;
  const names = missing.join(", ");
  log(`TN0305: [${where()}] ${app} does not export what the configuration names: ${names}`);
}

/** Watches what the application is made from. @returns whether what is loaded is not what is on disk any more, where that is to be known */
function watchFiles({ app, directory, watch, reload }: StartMessage): () => boolean {
  if (reload === "off") return () => false;
  const strict = reload === "strict";
  files = new LoadedFiles({
    app,
    directory,
    watch,
    strict,
    tell: (stamps) => control.say({ type: "loaded", files: stamps }),
    log: (text) => log(`TN0268: [${where()}] ${text}`),
  });
  if (!strict) return () => false;
  let told = false;
  return () => {
    const file = files?.outdated();
    if (file === undefined) return false;
    if (!told) control.say({ type: "outdated", file });
    told = true;
    return true;
  };
}

async function run(message: StartMessage): Promise<void> {
  // Now, while we are the user that may write there: what comes later is the application's.
  keepCompiled();
  bootstrap(message);
  const slot = openSlot(message);
  const takeover = new Takeover();
  const outdated = watchFiles(message);
  runtime = new Runtime({
    start: message,
    slot,
    outdated,
    onDraining: (inFlight) => control.say({ type: "draining", inFlight }),
    onDrained: () => onDrained(takeover),
    log,
  });
  provideDecisions((exportName) => {
    if (slot.purge(exportName)) return;
    control.say({ type: "purge", ...(exportName === undefined ? {} : { export: exportName }) });
  });
  provideFacts(() => currentExchange.getStore()?.request.facts);
  offerRescue();
  interceptExit({
    atWork: () => served && !drained && slot.inFlight > 0,
    told: () => told,
    leave,
    where,
    log,
  });
  offerOwnPackage();
  process.on("SIGTERM", onTerminate);
  control.keepAlive(false);
  handOverPipedFiles();
  const { adapter, hooks } = await loadApplication(message.app, message.exports, takeover);
  tellMissing(message, hooks);
  control.keepAlive(true);
  takeover.onClose = drain;
  served = true;
  runtime.serve(adapter, new HookRunner(hooks));
  ready = { type: "ready", shape: adapter.shape };
  control.say(ready);
  // Then what its first requests needed is among it, and no first request waits for it.
  setTimeout(flushCompileCache, KEEP_COMPILED_MS).unref();
}

function onMessage(message: SupervisorMessage): void {
  if (message.type === "drain") {
    terminate();
    return;
  }
  if (message.type === "rescued") {
    finishRescue(message);
    return;
  }
  if (message.type === "adopted") {
    files?.tellAll();
    if (ready !== undefined) control.say(ready);
    if (endAbandonedRescue(message.supervisor)) drain();
    return;
  }
  if (start !== undefined) return;
  try {
    start = asStart(message);
  } catch (error) {
    exitFailed(error);
    return;
  }
  run(start).catch(exitFailed);
}

/** httpd has gone, or a supervisor that could not go on with this worker: nobody else ends it. */
function onUnsupervised(): void {
  discardOutput();
  drainMs = start?.shutdownTimeoutMs;
  terminate();
}

// Not a part of the environment that an application is promised, nor of what it starts.
delete process.env["NODE_COMPILE_CACHE"];
if (process.argv[2] === COMPILE_ONLY) {
  keepCompiled();
  exitNow();
}

const control = new ControlSocket(
  new Socket({ fd: Descriptor.control, readable: true, writable: true }),
  onMessage,
  onUnsupervised,
);
process.on("uncaughtException", onUncaught);
