// SPDX-License-Identifier: Apache-2.0
// A worker at work: gates, channels, exchanges, states, drain. Made by main.ts once the application is loaded.
import { closeSync } from "node:fs";
import type { Adapter } from "../adapter/adapter.ts";
import { AcceptGate } from "../channel/accept-gate.ts";
import { Channel, type ChannelOwner } from "../channel/channel.ts";
import type { StartMessage } from "../channel/control-messages.ts";
import { currentExchange, type Exchange } from "../channel/exchange.ts";
import type { SlotBoard } from "../channel/slot-board.ts";
import { Phase, WireError, WireNumber, WorkerState } from "../wire/protocol.ts";
import { Descriptor } from "./bootstrap.ts";
import { Exhaustion } from "./exhaustion.ts";

const HEARTBEAT_MS = 250;
/** A host takes back what a worker has not begun whose event loop has not turned for twice this time. */
const LATE_MS = 1000;
/** How long after such a time requests may be read that were taken back. */
const WARY_MS = 10_000;
/** How long a host has for closing a channel that was told CLOSE. */
const CLOSE_MS = 1000;
/** Before the graceful time-out tunnels are asked to end, so that their clients can answer. */
const LEAVE_MS = 1000;
/** Connections taken from the worker's endpoint at one turn of the event loop. */
const ENDPOINT_BATCH = 32;

/** HELLO offers all phases: which exports there are is told when one is asked for. */
const ALL_PHASES: bigint = Object.values(Phase).reduce(
  (bits, phase) => bits | (1n << BigInt(phase)),
  0n,
);

/** Who takes exchanges: the application's adapter, or its hooks. */
type Handler = Pick<Adapter, "handle">;

function handle(handler: Handler, exchange: Exchange): void {
  handler.handle(exchange);
}

function throwAgain(error: unknown): void {
  throw error;
}

function throwLater(error: unknown): void {
  process.nextTick(throwAgain, error);
}

export interface RuntimeOptions {
  readonly start: StartMessage;
  readonly slot: SlotBoard;
  /** Whether what is loaded is not what is on disk any more, asked before each exchange. */
  readonly outdated: () => boolean;
  /** Told once, when no new exchanges are taken any more. */
  readonly onDraining: (inFlight: number) => void;
  /** Told once, when the last exchange is over and the last channel closed. */
  readonly onDrained: () => void;
  /** Writes a line for the log. */
  readonly log: (line: string) => void;
}

/**
 * The worker between its first and its last exchange.
 *
 * 1. `serve` opens the gates. 2. `drain` takes nothing new, lets what is open finish (graceful time-out) and calls `onDrained`.
 * The endpoint's gate is open while claim words are left; the queue's while one more exchange has room.
 */
export class Runtime implements ChannelOwner {
  readonly #options: RuntimeOptions;
  readonly #slot: SlotBoard;
  readonly #channels = new Set<Channel>();
  readonly #endpoint: AcceptGate;
  readonly #queue: AcceptGate;
  readonly #heartbeat: NodeJS.Timeout;
  /** When it beat last, as performance.now(). */
  #beaten = performance.now();
  #waryUntil = 0;
  #exhaustion: Exhaustion | undefined;
  #adapter: Handler | undefined;
  #hooks: Handler | undefined;
  /** Channels from the queue whose first exchange has not begun. */
  #reserved = 0;
  #draining = false;
  #drained = false;
  #closeTimer: NodeJS.Timeout | undefined;
  #gracefulTimer: NodeJS.Timeout | undefined;
  #leaveTimer: NodeJS.Timeout | undefined;

  constructor(options: RuntimeOptions) {
    this.#options = options;
    this.#slot = options.slot;
    this.#endpoint = this.#gate(Descriptor.endpoint, ENDPOINT_BATCH, false);
    // One at a time: the other workers of the pool take from the same queue.
    this.#queue = this.#gate(Descriptor.queue, 1, true);
    this.#slot.setCapacity(options.start.concurrency);
    this.#beat();
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Takes exchanges from now on. */
  serve(adapter: Handler, hooks: Handler): void {
    this.#adapter = adapter;
    this.#hooks = hooks;
    if (this.#draining) return;
    this.#beat();
    this.#slot.setState(WorkerState.READY);
    this.#setGates();
  }

  /** Takes nothing new and finishes what is open. @param limitMs unset: the graceful time-out */
  drain(limitMs: number = this.#options.start.gracefulTimeoutMs): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#slot.setState(WorkerState.DRAINING);
    // Who found us ready a moment ago may connect yet: is sent away, and not left waiting for our end.
    this.#endpoint.open();
    this.#queue.end();
    this.#options.onDraining(this.#slot.inFlight);
    for (const channel of this.#channels) if (channel.idle) channel.close();
    this.#gracefulTimer = setTimeout(() => this.#breakOff(), limitMs);
    this.#leaveTimer = setTimeout(() => this.leaveTunnels(), Math.max(0, limitMs - LEAVE_MS));
    this.#settle();
  }

  admit(channel: Channel): 0 | typeof WireError.BUSY | typeof WireError.DRAINING {
    if (!this.#draining && this.#options.outdated()) this.drain();
    if (this.#draining) return WireError.DRAINING;
    if (channel.reserved) return 0;
    return this.#room() > 0 ? 0 : WireError.BUSY;
  }

  begin(channel: Channel, exchange: Exchange): void {
    this.#unreserve(channel);
    this.#slot.begin(channel.claim, exchange.number);
    if (this.#room() <= 0) this.#queue.close();
    // The host looks at the claim once it has hung up, and we the other way round: one of us sees the other. The end of the channel is read next.
    if (this.#wary() && channel.hungUp) return;
    const handler = exchange.hook ? this.#hooks : this.#adapter;
    try {
      currentExchange.run(exchange, handle, handler as Handler, exchange);
    } catch (error) {
      this.failed(error, exchange);
    }
  }

  finish(): void {
    this.#slot.finish();
    if (!this.#draining && this.#room() > 0) this.#queue.open();
  }

  settle(channel: Channel): void {
    if (!this.#draining) return;
    channel.close();
    this.#settle();
  }

  failed(error: unknown, exchange: Exchange): void {
    // Outside of the reading of frames, so that an application's own 'uncaughtException' listener sees it as under node:http.
    currentExchange.run(exchange, throwLater, error);
  }

  violated(_channel: Channel, text: string): void {
    this.#log(`TN0302: ${this.#where} the host broke the protocol, the channel is closed: ${text}`);
  }

  closed(channel: Channel): void {
    this.#unreserve(channel);
    this.#slot.closeChannel(channel.claim);
    this.#channels.delete(channel);
    if (this.#draining) this.#settle();
    else this.#setGates();
  }

  #beat(): void {
    this.#wary();
    this.#lookAtExhaustion();
    this.#beaten = performance.now();
    this.#slot.beat();
  }

  /** Whether the event loop has not turned for a while, so that another worker may have what is read now. */
  #wary(): boolean {
    const now = performance.now();
    if (now - this.#beaten > LATE_MS) this.#waryUntil = now + WARY_MS;
    return now < this.#waryUntil;
  }

  /** Hosts look for another worker meanwhile, or wait in the queue. */
  #exhausted(code: string): void {
    if (this.#exhaustion !== undefined) return;
    this.#exhaustion = new Exhaustion(performance.now());
    this.#slot.setCapacity(0);
    this.#setGates();
    const { openFiles } = this.#options.start;
    this.#log(
      `TN0307: ${this.#where} ${code}: no channel can be taken until the application closes some of what it has open, or TenonOpenFiles (${openFiles}) is raised`,
    );
  }

  #lookAtExhaustion(): void {
    const verdict = this.#exhaustion?.look(performance.now()) ?? "wait";
    if (verdict === "wait" || this.#draining) return;
    if (verdict === "leave") {
      this.#log(`TN0308: ${this.#where} still no channel can be taken: the worker retires`);
      this.drain();
      return;
    }
    this.#exhaustion = undefined;
    this.#slot.setCapacity(this.#options.start.concurrency);
    this.#setGates();
  }

  get #where(): string {
    const { pool, slot } = this.#options.start;
    return `[${pool} ${slot}]`;
  }

  #log(line: string): void {
    this.#options.log(line);
  }

  #gate(fd: number, batch: number, queued: boolean): AcceptGate {
    return new AcceptGate({
      fd,
      batch,
      hostUids: this.#options.start.hostUids,
      onConnection: (connection) => this.#open(connection, queued),
      onExhausted: (code) => this.#exhausted(code),
      onRefused: ({ uid, pid }) => {
        this.#log(
          `TN0301: ${this.#where} refused a channel from uid ${uid} (pid ${pid}), which is not the host`,
        );
      },
    });
  }

  #open(fd: number, queued: boolean): void {
    if (this.#draining) {
      closeSync(fd);
      return;
    }
    const { start } = this.#options;
    const claim = this.#slot.openChannel();
    if (queued) this.#reserved += 1;
    const hello = {
      version: WireNumber.VERSION,
      oldestVersion: WireNumber.VERSION,
      slot: start.slot,
      claimIndex: claim.index,
      pid: process.pid,
      incarnation: start.incarnation,
      generation: start.generation,
      claim: claim.word,
      phases: ALL_PHASES,
    };
    this.#channels.add(new Channel(fd, this, claim, hello, queued));
    this.#setGates();
  }

  #unreserve(channel: Channel): void {
    if (!channel.reserved) return;
    channel.reserved = false;
    this.#reserved -= 1;
  }

  /** Exchanges that may begin now, less those that come through the queue. */
  #room(): number {
    if (this.#exhaustion !== undefined) return 0;
    return this.#options.start.concurrency - this.#slot.inFlight - this.#reserved;
  }

  #setGates(): void {
    const words =
      this.#exhaustion === undefined && this.#slot.channels < WireNumber.CLAIMS_PER_SLOT;
    if (words) this.#endpoint.open();
    else this.#endpoint.close();
    if (words && this.#room() > 0) this.#queue.open();
    else this.#queue.close();
  }

  /** Ends a drain whose time has come. */
  #settle(): void {
    if (this.#slot.inFlight > 0 || this.#drained) return;
    if (this.#channels.size === 0) {
      this.#end();
      return;
    }
    this.#closeTimer ??= setTimeout(() => {
      for (const channel of this.#channels) channel.destroy();
    }, CLOSE_MS);
  }

  #exchanges(): Exchange[] {
    return [...this.#channels].flatMap(({ exchange }) => exchange ?? []);
  }

  /** Asks tunnels to end. */
  leaveTunnels(): void {
    for (const exchange of this.#exchanges()) exchange.leave();
  }

  /** The graceful time-out has passed. */
  #breakOff(): void {
    const open = this.#exchanges();
    const cut = open.filter(({ tunnel }) => !tunnel);
    if (cut.length > 0) {
      this.#log(
        `TN0304: ${this.#where} broke off ${cut.length} requests that were still open at the graceful time-out`,
      );
    }
    for (const exchange of open) {
      // What a tunnel carried is whole so far as we know: its client must not lose it to a reset.
      if (exchange.tunnel) exchange.end();
      else exchange.abort(WireError.STOPPING, "the graceful time-out has passed");
    }
    for (const channel of this.#channels) channel.destroyWhenSent();
  }

  #end(): void {
    this.#drained = true;
    this.#endpoint.end();
    clearTimeout(this.#closeTimer);
    clearTimeout(this.#gracefulTimer);
    clearTimeout(this.#leaveTimer);
    clearInterval(this.#heartbeat);
    this.#slot.setState(WorkerState.STOPPING);
    this.#options.onDrained();
  }
}
