// SPDX-License-Identifier: Apache-2.0
// Clients that ask one after the other and check every byte of every answer. Called by site.ts and compare.ts.
import { Agent } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { head, open, rest } from "../helpers/http-client.ts";
import { waitUntil } from "../helpers/processes.ts";
import type { Random } from "./random.ts";
import { answerOf, type Kind, kinds, textOf } from "./work.ts";

export interface LoadOptions {
  /** Where the work is, without what tells its kind. */
  readonly url: string;
  /** What ids begin with. */
  readonly name: string;
  readonly random: Random;
  readonly connections: number;
  /** Each client picks one of these for each request. */
  readonly mix: readonly Kind[];
  /** A connection for each request; else they are kept. */
  readonly fresh?: boolean;
  /** What the application is to wait before it answers a GET, ms. */
  readonly workMs?: number;
  /** Every GET asks for this path instead and must get this text: a file of httpd's own. */
  readonly file?: { readonly path: string; readonly text: string };
  /** Told when an answer is not right. */
  readonly onFailure?: (id: string, outcome: string) => void;
}

/** How many requests ended how: `right`, a status that is not 200, `cut` (visibly short of its end), `broken` (no head), `wrong` (whole, but another). */
export type Outcomes = Record<string, number>;

/** A real client waits before it asks again. */
const RETRY_MS = 25;
const LONGEST_MS = 30_000;

interface Client {
  /** Whether its last request that was sent after the fault was answered well, and when. */
  servedAt: number | undefined;
}

/**
 * Load on one URL.
 *
 * 1. `start()`, again after `stop()` too; `await more(n)`.
 * 2. `fault()` says that something happens now; `await recovered()` until every client has been served again.
 * 3. `await stop()` lets the last requests end; then `outcomes`, `recoveryMs`, `slowestMs`.
 */
export class Load {
  readonly outcomes: Readonly<Record<Kind, Outcomes>> = { get: {}, post: {}, stream: {} };
  /** Ids that were answered right. */
  readonly right: string[] = [];
  /** Of the slowest right answer, ms. */
  slowestMs = 0;
  /** The longest that any client waited behind a fault until it was served, ms. */
  recoveryMs = 0;
  readonly #options: LoadOptions;
  readonly #clients: Client[] = [];
  readonly #posted = new Set<string>();
  #turns: Promise<void>[] = [];
  #running = false;
  #answered = 0;
  #sent = 0;
  #faultAt = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  get sent(): number {
    return this.#sent;
  }

  start(): void {
    this.#running = true;
    this.#clients.length = 0;
    for (let index = 0; index < this.#options.connections; index++) {
      const client = { servedAt: undefined };
      this.#clients.push(client);
      this.#turns.push(this.#run(client));
    }
  }

  /** Waits for so many more right answers. */
  more(count: number): Promise<void> {
    const goal = this.right.length + count;
    return this.#until("more right answers", () => this.right.length >= goal);
  }

  /** Says that something goes wrong now. */
  fault(): void {
    this.#faultAt = performance.now();
    for (const client of this.#clients) client.servedAt = undefined;
  }

  /** Waits until each client was answered right again by a request that it sent after the fault. */
  async recovered(timeoutMs: number = LONGEST_MS): Promise<void> {
    const served = (): boolean => this.#clients.every(({ servedAt }) => servedAt !== undefined);
    await this.#until("all clients served again", served, timeoutMs);
    const last = Math.max(...this.#clients.map(({ servedAt }) => servedAt ?? 0));
    this.recoveryMs = Math.max(this.recoveryMs, last - this.#faultAt);
  }

  /** Lets the last requests end. */
  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#turns);
    this.#turns = [];
  }

  /** Whether it sent this as a POST, which must not be run a second time when its worker dies. */
  hasPosted(id: string): boolean {
    return this.#posted.has(id);
  }

  /** Requests of a kind that were not answered right. */
  failed(kind: Kind): number {
    const ended = Object.entries(this.outcomes[kind]);
    return ended.reduce((sum, [name, count]) => (name === "right" ? sum : sum + count), 0);
  }

  /** All outcomes that are not right, for a person. */
  describeFailures(): string {
    const texts = kinds.flatMap((kind) =>
      Object.entries(this.outcomes[kind])
        .filter(([outcome]) => outcome !== "right")
        .map(([outcome, count]) => `${kind} ${outcome}×${count}`),
    );
    return texts.join(", ");
  }

  #until(what: string, test: () => boolean, timeoutMs: number = LONGEST_MS): Promise<void> {
    const explain = (): string =>
      `${this.#options.name}: ${this.#sent} sent, ${this.#answered} answered, ${this.right.length} right; ${this.describeFailures()}`;
    return waitUntil(what, test, { timeoutMs, explain });
  }

  async #run(client: Client): Promise<void> {
    const { fresh, mix, random, name } = this.#options;
    const agent = fresh === true ? undefined : new Agent({ keepAlive: true, maxSockets: 1 });
    while (this.#running) {
      const kind = random.pick(mix);
      const id = `${name}-${this.#sent++}`;
      if (kind === "post") this.#posted.add(id);
      const sentAt = performance.now();
      const outcome = await this.#ask(kind, id, agent);
      this.#note(client, kind, id, sentAt, outcome);
      if (outcome !== "right") await pause(RETRY_MS);
    }
    agent?.destroy();
  }

  #note(client: Client, kind: Kind, id: string, sentAt: number, outcome: string): void {
    const now = performance.now();
    this.#answered += 1;
    this.outcomes[kind][outcome] = (this.outcomes[kind][outcome] ?? 0) + 1;
    if (outcome !== "right") {
      client.servedAt = undefined;
      this.#options.onFailure?.(id, outcome);
      return;
    }
    this.right.push(id);
    this.slowestMs = Math.max(this.slowestMs, now - sentAt);
    if (sentAt >= this.#faultAt) client.servedAt ??= now;
  }

  async #ask(kind: Kind, id: string, agent: Agent | undefined): Promise<string> {
    const { url, workMs = 0, file } = this.#options;
    const wait = workMs === 0 ? "" : `&ms=${workMs}`;
    const target = file === undefined ? `${url}/${kind}?id=${id}${wait}` : `${url}/${file.path}`;
    const request = open(target, {
      method: kind === "post" ? "POST" : "GET",
      ...(agent === undefined ? {} : { agent }),
    });
    // head() and rest() throw it; a reset that comes behind both is nobody's.
    request.on("error", () => undefined);
    let begun = false;
    try {
      request.end(kind === "post" ? textOf(id) : undefined);
      const response = await head(request);
      begun = true;
      const answer = await rest(response);
      if (answer.status !== 200) return String(answer.status);
      return answer.text === (file?.text ?? answerOf(kind, id)) ? "right" : "wrong";
    } catch {
      return begun ? "cut" : "broken";
    }
  }
}
