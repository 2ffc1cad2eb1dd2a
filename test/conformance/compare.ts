// SPDX-License-Identifier: Apache-2.0
// Judges an observation: against what the case expects, and against the reference's.
import assert from "node:assert/strict";
import type { Case, Expectation } from "./case.ts";
import type { Answer, Fields, Observation } from "./observation.ts";

function lowered(fields: Fields): Record<string, string[]> {
  const all: Record<string, string[]> = {};
  for (const [name, values] of Object.entries(fields)) {
    const key = name.toLowerCase();
    all[key] = [...(all[key] ?? []), ...values];
  }
  return all;
}

function checkHeaders(answer: Answer, expected: NonNullable<Expectation["headers"]>): void {
  const headers = lowered(answer.headers);
  for (const [name, value] of Object.entries(expected)) {
    const wanted = value === null ? undefined : typeof value === "string" ? [value] : value;
    assert.deepEqual(headers[name], wanted, `header ${name}`);
  }
}

const simple = ["status", "reason", "body", "whole", "trailers"] as const;

/** Checks an observation against a case's expectation. @throws AssertionError */
export function checkExpectation({ expect }: Case, observation: Observation): void {
  if (typeof expect === "function") {
    expect(observation);
    return;
  }
  const { headers, interim, seen, notes } = expect;
  const [answer] = observation.answers;
  for (const key of simple) {
    if (expect[key] !== undefined) assert.deepEqual(answer?.[key], expect[key], key);
  }
  if (headers !== undefined) {
    assert.ok(answer !== undefined, "no answer");
    checkHeaders(answer, headers);
  }
  if (interim !== undefined) {
    const came = answer?.interim.map(({ status }) => status);
    assert.deepEqual(came, interim, "interim answers");
  }
  if (seen !== undefined) assert.deepEqual(observation.seen, seen, "what the application saw");
  if (notes !== undefined) assert.deepEqual(observation.notes, notes, "what the client saw");
}

/** Most of a fact that is shown; what is compared is all of it. */
const FACT_CHARACTERS = 100;

type Facts = ReadonlyMap<string, string>;

/** An observation as single facts by name. */
function factsOf({ answers, seen, notes }: Observation): Facts {
  const facts = new Map<string, string>();
  const add = (name: string, value: unknown): unknown => facts.set(name, JSON.stringify(value));
  for (const [at, answer] of answers.entries()) {
    const of = at === 0 ? "" : `answer ${at + 1}: `;
    const { headers, trailers, bodyBytes: _, ...others } = answer;
    for (const [name, value] of Object.entries(others)) add(`${of}${name}`, value);
    for (const [name, values] of Object.entries(headers)) add(`${of}header ${name}`, values);
    for (const [name, values] of Object.entries(trailers)) add(`${of}trailer ${name}`, values);
  }
  for (const [at, value] of (seen ?? []).entries()) add(`seen ${at}`, value);
  for (const [at, value] of notes.entries()) add(`note ${at}`, value);
  return facts;
}

/** An answer without a Content-Length that the host has put where the reference sends chunks, and that says what the body has. */
function withoutFraming(answer: Answer, model: Answer | undefined): Answer {
  const { "Content-Length": length, ...headers } = answer.headers;
  const chunked = model !== undefined && lowered(model.headers)["content-length"] === undefined;
  const right = length?.length === 1 && Number(length[0]) === answer.bodyBytes;
  return chunked && right && answer.body === model.body ? { ...answer, headers } : answer;
}

function shown(fact = "nothing"): string {
  return fact.length <= FACT_CHARACTERS ? fact : `${fact.slice(0, FACT_CHARACTERS)}…`;
}

/** Who answered, and what the application saw of it. */
function answererOf({ answers, seen }: Observation): string {
  const status = answers[0]?.status ?? "no answer";
  if (seen === undefined) return `${status} by the host`;
  return `${status} by the application, which saw ${shown(JSON.stringify(seen))}`;
}

/** Says where an observation differs from the reference's: `fact: reference's → its`, a line each. */
export function differencesOf(reference: Observation, observation: Observation): string[] {
  if ((reference.seen === undefined) !== (observation.seen === undefined)) {
    return [`${answererOf(reference)} → ${answererOf(observation)}`];
  }
  const theirs = factsOf(reference);
  const ours = factsOf({
    ...observation,
    answers: observation.answers.map((answer, at) => withoutFraming(answer, reference.answers[at])),
  });
  const names = [...new Set([...theirs.keys(), ...ours.keys()])];
  return names
    .filter((name) => theirs.get(name) !== ours.get(name))
    .map((name) => `${name}: ${shown(theirs.get(name))} → ${shown(ours.get(name))}`);
}
