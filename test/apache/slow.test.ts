// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { ClientRequest, IncomingMessage } from "node:http";
import net from "node:net";
import { setTimeout } from "node:timers/promises";
import { ask, head, open, rest } from "../helpers/http-client.ts";
import { pool, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { privateMemory } from "../helpers/processes.ts";

const MIB = 1024 * 1024;
const CLIENTS = 40;
const ROUNDS = 20;
/** Of a slow client, between two bytes. All rounds take longer than the pool's TenonRequestTimeout. */
const PACE_MS = 200;
const REQUEST_TIMEOUT_MS = 3000;
const DOWNLOAD_BYTES = 4 * MIB;
/** As Debian's reqtimeout.conf has it. */
const debian = "RequestReadTimeout header=20-40,minrate=500 body=20,minrate=500";

const each = <T>(make: (index: number) => T): T[] =>
  Array.from({ length: CLIENTS }, (_, i) => make(i));

/** The text that one client sends or gets, unlike that of any other. */
const lettersOf = (name: string, index: number): string =>
  createHash("sha256").update(`${name} ${index}`).digest("hex").slice(0, ROUNDS);

/** Reads so many bytes of an answer that flows no faster than it is read. */
async function take(response: IncomingMessage, bytes: number): Promise<string> {
  for (;;) {
    const piece = response.read(bytes) as Buffer | null;
    if (piece !== null) return piece.toString("latin1");
    if (response.readableEnded) throw new Error("the answer ended early");
    await once(response, "readable");
  }
}

/** A client that sends a byte and waits until the application has sent it back. */
class SlowEcho {
  readonly #letters: string;
  readonly #request: ClientRequest;
  readonly #head: Promise<IncomingMessage>;

  constructor(url: string, index: number) {
    this.#letters = lettersOf("echo", index);
    this.#request = open(`${url}/echo`, { method: "POST" });
    this.#head = head(this.#request);
  }

  async step(round: number): Promise<void> {
    const letter = this.#letters[round] ?? "";
    this.#request.write(letter);
    assert.equal(await take(await this.#head, 1), letter);
  }

  async finish(): Promise<void> {
    this.#request.end();
    assert.equal((await rest(await this.#head)).text, "");
  }
}

/** A client that sends a body of known length, one byte a round; the application answers when it has all. */
class SlowUpload {
  readonly #letters: string;
  readonly #request: ClientRequest;
  readonly #head: Promise<IncomingMessage>;

  constructor(url: string, index: number) {
    this.#letters = lettersOf("upload", index);
    const headers = { "Content-Length": ROUNDS };
    this.#request = open(`${url}/sink`, { method: "POST", headers });
    this.#head = head(this.#request);
  }

  async step(round: number): Promise<void> {
    this.#request.write(this.#letters[round] ?? "");
  }

  async finish(): Promise<void> {
    this.#request.end();
    const { status, text } = await rest(await this.#head);
    const sha256 = createHash("sha256").update(this.#letters).digest("hex");
    assert.equal(status, 200, text);
    assert.deepEqual(JSON.parse(text), { bytes: ROUNDS, sha256 });
  }
}

/** A client that reads one byte a round of an answer that does not fit into any buffer on its way. */
class SlowDownload {
  readonly #letters: string;
  readonly #head: Promise<IncomingMessage>;
  #bytes = 0;

  constructor(url: string, index: number) {
    this.#letters = lettersOf("download", index);
    this.#head = head(open(`${url}/bytes?count=${DOWNLOAD_BYTES}&text=${this.#letters}`).end());
  }

  async step(round: number): Promise<void> {
    assert.equal(await take(await this.#head, 1), this.#letters[round % ROUNDS]);
    this.#bytes += 1;
  }

  async finish(): Promise<void> {
    const { body } = await rest(await this.#head);
    assert.equal(body.length, DOWNLOAD_BYTES - this.#bytes);
    // The application sends pieces of 65,536 bytes, each of which begins with the letters.
    const piece = Buffer.alloc(65_536, this.#letters);
    const whole = Buffer.concat(Array(DOWNLOAD_BYTES / piece.length).fill(piece));
    assert.ok(body.equals(whole.subarray(this.#bytes)), "another client's bytes");
  }
}

/** A client that got the head and a first word, and waits for the rest until the application is told to send it. */
class SlowAnswer {
  readonly #url: string;
  readonly #name: string;
  readonly #head: Promise<IncomingMessage>;

  constructor(url: string, index: number) {
    this.#url = url;
    this.#name = lettersOf("answer", index);
    this.#head = head(open(`${url}/hold?head&name=${this.#name}`).end());
  }

  async step(round: number): Promise<void> {
    if (round === 0) assert.equal(await take(await this.#head, 6), "begun ");
  }

  async finish(): Promise<void> {
    await ask(`${this.#url}/happen?name=${this.#name}`);
    assert.match((await rest(await this.#head)).text, /^held \d+$/);
  }
}

describe("slow clients and slow applications beside fast ones", () => {
  let httpd: TestHttpd;

  before(async () => {
    const text = `${debian}
${pool("probe", `TenonProcesses 1 1\nTenonConcurrency 500\nTenonRequestTimeout ${REQUEST_TIMEOUT_MS}ms`)}
${pool("other", "TenonProcesses 1 1\nTenonConcurrency 500")}`;
    httpd = await startHttpd({ load: ["reqtimeout"], text });
    await Promise.all([httpd.waitForReady("probe", 1), httpd.waitForReady("other", 1)]);
  });
  after(() => httpd.stop());

  /** Requests of both pools that must be answered at once and each with its own text. */
  async function askFast(round: number): Promise<void> {
    const names = ["probe", "other"].flatMap((name) => [0, 1, 2, 3].map((at) => [name, at]));
    const asked = names.map(async ([name, at]) => {
      const body = `${name}-${round}-${at}`;
      const answer = await ask(`${httpd.url}/${name}/status?code=200&body=${body}`);
      assert.deepEqual([answer.status, answer.text], [200, body]);
    });
    await Promise.all(asked);
  }

  it(`are all served whole, ${CLIENTS} of each kind at once, while others are answered`, async () => {
    const url = `${httpd.url}/probe`;
    const slow = [
      ...each((index) => new SlowEcho(url, index)),
      ...each((index) => new SlowUpload(url, index)),
      ...each((index) => new SlowDownload(url, index)),
      ...each((index) => new SlowAnswer(url, index)),
    ];
    const began = performance.now();
    for (let round = 0; round < ROUNDS; round++) {
      const pace = setTimeout(PACE_MS);
      await Promise.all([...slow.map((client) => client.step(round)), askFast(round), pace]);
    }
    assert.ok(performance.now() - began > REQUEST_TIMEOUT_MS, "too fast to show anything");
    await Promise.all(slow.map((client) => client.finish()));
    assert.deepEqual(httpd.workersOf("probe").length, 1);
  });

  it("may wait long for an answer that is short: long polling", async () => {
    const url = `${httpd.url}/other`;
    const polls = each((index) => ask(`${url}/hold?name=poll-${index}`));
    await Promise.all(each((index) => ask(`${url}/happened?name=poll-${index}-begun`)));
    await askFast(0);
    await Promise.all(each((index) => ask(`${url}/happen?name=poll-${index}`)));
    for (const { status, text } of await Promise.all(polls)) {
      assert.equal(status, 200, text);
      assert.match(text, /^held \d+$/);
    }
  });

  it("take flat memory, however much the application would send", async () => {
    const { children } = httpd.processes();
    const pids = [...children, ...httpd.workersOf("probe")];
    const memory = (): number => pids.reduce((sum, pid) => sum + privateMemory(pid), 0);
    const before = memory();
    const responses = await Promise.all(
      each((index) =>
        head(open(`${httpd.url}/probe/bytes?count=${16 * MIB}&name=full-${index}`).end()),
      ),
    );
    await Promise.all(responses.map((response) => take(response, 1)));
    await askFast(1);
    const grown = memory() - before;
    for (const response of responses) response.destroy();
    await Promise.all(each((index) => ask(`${httpd.url}/probe/happened?name=full-${index}-gone`)));
    assert.ok(grown < 64 * MIB, `${CLIENTS} answers of 16 MiB took ${grown / MIB} MiB`);
  });
});

describe("clients that stop", () => {
  let httpd: TestHttpd;
  const TIMEOUT_S = 2;

  before(async () => {
    const text = `Timeout ${TIMEOUT_S}
RequestReadTimeout body=1
${pool("probe", "TenonProcesses 1 1")}`;
    httpd = await startHttpd({ load: ["reqtimeout"], text });
  });
  after(() => httpd.stop());

  it("reading are given up after Timeout, and the application is told", async () => {
    const socket = net.connect(httpd.places.port, "127.0.0.1");
    try {
      socket.pause();
      socket.write(`GET /probe/bytes?count=${64 * MIB}&name=unread HTTP/1.1\r\nHost: a\r\n\r\n`);
      const began = performance.now();
      assert.equal((await ask(`${httpd.url}/probe/happened?name=unread-gone`)).text, "ok");
      assert.ok(performance.now() - began > TIMEOUT_S * 900, "given up too early");
    } finally {
      socket.destroy();
    }
  });

  it("sending are told 408 when the time of mod_reqtimeout is over, before Timeout", async () => {
    const request = open(`${httpd.url}/probe/sink`, {
      method: "POST",
      headers: { "Content-Length": 100 },
    });
    request.write("half of it");
    assert.equal((await rest(await head(request))).status, 408);
    // Timeout would have said TN0013.
    assert.match(httpd.log().tail(), /AH01382: Request body read timeout/);
    assert.match(httpd.log().tail(), /TN0012: .*cannot read the request's body/);
    request.destroy();
  });
});
