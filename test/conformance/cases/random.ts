// SPDX-License-Identifier: Apache-2.0
// Programs made by chance of the calls that applications make, always the same ones: what nobody thought of writing down as a case.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Ask, Behaviour, Seen, Serve } from "../case.ts";
import { nextTurn } from "./helpers.ts";

const PROGRAMS = 400;
const MOST_STEPS = 9;

/** Numbers below 1 by mulberry32: the same ones for the same seed under every host. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

class Dice {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = chance(seed);
  }

  below(count: number): number {
    return Math.floor(this.#next() * count);
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

interface Step {
  readonly name: string;
  readonly act: (request: IncomingMessage, response: ServerResponse) => unknown;
}

const names = ["X-One", "x-two", "ETag", "Cache-Control", "Link", "Content-Language", "Set-Cookie"];
const values = ["a", "b, c", "", 'W/"x"', "k=v; Path=/"];
const statuses = [200, 200, 200, 201, 202, 203, 206, 301, 304, 400, 404, 418, 500, 503, 204];
const sizes = [0, 1, 3, 10, 200, 5000, 20_000, 70_000];

function bytes(size: number): string {
  return "0123456789".repeat(Math.ceil(size / 10)).slice(0, size);
}

/** What is corked at its end node:http loses. */
function uncorked(response: ServerResponse): ServerResponse {
  while (response.writableCorked > 0) response.uncork();
  return response;
}

function headSteps(dice: Dice): Step {
  const name = dice.of(names);
  const value = dice.of(values);
  const status = dice.of(statuses);
  return dice.of<Step>([
    { name: `setHeader ${name} ${value}`, act: (_, r) => r.setHeader(name, value) },
    { name: `setHeader ${name} twice`, act: (_, r) => r.setHeader(name, [value, "more"]) },
    { name: `appendHeader ${name} ${value}`, act: (_, r) => r.appendHeader(name, value) },
    { name: `removeHeader ${name}`, act: (_, r) => r.removeHeader(name) },
    { name: "Content-Type", act: (_, r) => r.setHeader("Content-Type", "text/x-random") },
    {
      name: `statusCode ${status}`,
      act: (_, r) => {
        r.statusCode = status;
      },
    },
    {
      name: "statusMessage",
      act: (_, r) => {
        r.statusMessage = "By Chance";
      },
    },
    { name: `writeHead ${status}`, act: (_, r) => r.writeHead(status) },
    {
      name: `writeHead ${status} reason`,
      act: (_, r) => r.writeHead(status, "Why Not", { [name]: value }),
    },
    { name: `writeHead ${status} list`, act: (_, r) => r.writeHead(status, [name, value]) },
    { name: "flushHeaders", act: (_, r) => r.flushHeaders() },
    { name: "sendDate", act: (_, r) => void Object.assign(r, { sendDate: false }) },
  ]);
}

function bodySteps(dice: Dice): Step {
  const size = dice.of(sizes);
  return dice.of<Step>([
    { name: `write ${size}`, act: (_, r) => void r.write(bytes(size)) },
    { name: `write ${size} bytes`, act: (_, r) => void r.write(Buffer.from(bytes(size))) },
    { name: "write base64", act: (_, r) => void r.write("aGVsbG8=", "base64") },
    { name: `end ${size}`, act: (_, r) => void uncorked(r).end(bytes(size)) },
    { name: "end", act: (_, r) => void uncorked(r).end() },
    { name: "cork", act: (_, r) => r.cork() },
    { name: "uncork", act: (_, r) => r.writableCorked > 0 && r.uncork() },
    { name: "addTrailers", act: (_, r) => r.addTrailers({ "X-Trailer": "t" }) },
    {
      name: "writeEarlyHints",
      act: (_, r) => r.writeEarlyHints({ link: "</a.css>; rel=preload" }),
    },
    { name: "writeProcessing", act: (_, r) => r.writeProcessing() },
    { name: "next turn", act: () => nextTurn() },
    { name: "headers", act: (_, r) => r.getHeaderNames() },
    {
      name: "state",
      act: (_, r) => [r.headersSent, r.writableEnded, r.destroyed, r.statusCode, r.finished],
    },
  ]);
}

function requestSteps(dice: Dice): Step {
  return dice.of<Step>([
    { name: "pause", act: (q) => void q.pause() },
    { name: "setEncoding", act: (q) => void q.setEncoding("latin1") },
    { name: "read", act: (q, r) => !r.writableEnded && q.readable && readBody(q) },
    { name: "request state", act: (q) => [q.aborted, q.method, q.httpVersion] },
  ]);
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of request) text += String(piece);
  return `${text.length} of body`;
}

/** HTTP/1.0 has no interim answers (RFC 9110, 15.2): a host may leave them out. */
function fits(step: Step, version: string): boolean {
  return version !== "1.0" || !["writeEarlyHints", "writeProcessing"].includes(step.name);
}

function stepsOf(dice: Dice, version: string): Step[] {
  const steps: Step[] = [];
  const count = 1 + dice.below(MOST_STEPS);
  for (let at = 0; at < count; at++) {
    const kind = dice.below(10);
    if (kind < 4) steps.push(headSteps(dice));
    else if (kind < 9) steps.push(bodySteps(dice));
    else steps.push(requestSteps(dice));
  }
  return steps.filter((each) => fits(each, version));
}

function askOf(dice: Dice): Ask {
  const method = dice.of([
    "GET",
    "GET",
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "PATCH",
    "OPTIONS",
  ]);
  const version = dice.of(["1.1", "1.1", "1.1", "1.0"]);
  const size = dice.of(sizes);
  if (method === "GET" || method === "HEAD" || dice.below(3) === 0) return { method, version };
  return { method, version, body: bytes(size), headers: [`Content-Length: ${size}`] };
}

/** Notes events of a message apart from all else: how those of two messages mix is a matter of time. */
function collect(emitter: NodeJS.EventEmitter, events: readonly string[]): string[] {
  const seen: string[] = [];
  for (const event of events) emitter.on(event, () => seen.push(event));
  return seen;
}

async function step(
  each: Step,
  request: IncomingMessage,
  response: ServerResponse,
  seen: Seen,
): Promise<void> {
  try {
    const result: unknown = await each.act(request, response);
    seen(each.name, Array.isArray(result) || typeof result === "string" ? result : "done");
  } catch (error) {
    seen(each.name, error);
  }
}

function serveSteps(steps: readonly Step[]): Serve {
  return async (request, response, seen) => {
    const events = collect(response, ["prefinish", "finish", "close"]);
    response.on("error", (error) => seen("error", error));
    request.on("error", (error) => seen("request error", error));
    const closed = new Promise((resolve) => response.on("close", resolve));
    for (const each of steps) await step(each, request, response, seen);
    if (!response.writableEnded && !response.destroyed) uncorked(response).end();
    await closed;
    seen("events", events);
  };
}

function program(seed: number): Behaviour {
  const dice = new Dice(seed);
  const ask = askOf(dice);
  const steps = stepsOf(dice, ask.version ?? "1.1");
  return {
    name: `random ${seed}: ${ask.method} ${ask.version}: ${steps.map(({ name }) => name).join("; ")}`,
    serve: serveSteps(steps),
    ask,
    expect: ({ seen }) => {
      if (!JSON.stringify(seen).includes('"close"')) throw new Error(JSON.stringify(seen));
    },
  };
}

export const random: readonly Behaviour[] = Array.from({ length: PROGRAMS }, (_, at) =>
  program(at + 1),
);
