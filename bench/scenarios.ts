// SPDX-License-Identifier: Apache-2.0
// What is measured, on whom, and what must be reached.
import type { ContenderName } from "./contenders.ts";
import type { Load } from "./wrk.ts";

export interface Scenario {
  readonly text: string;
  readonly load: Load;
  /** Body of a right response. Unset: what was sent. */
  readonly answer?: string;
  /** A body of so many bytes, whatever they are, at a path of its own. Rates count bytes: no answer need end within a measurement. */
  readonly large?: { readonly path: string; readonly bytes: number };
  readonly contenders: readonly ContenderName[];
}

const text = "hello world\n";
const json = '{"hello":"world"}';
const postBytes = 65_536;
const manyConnections = 32;

export type ScenarioName =
  | "content"
  | "express"
  | "fastify"
  | "post"
  | "latency"
  | "file"
  | "stream";

/** Bytes of the file that `file` asks for. */
export const fileBytes: number = 1024 ** 3;

export const scenarios: Readonly<Record<ScenarioName, Scenario>> = {
  content: {
    text: "GET, 12 bytes, 32 connections",
    load: { method: "GET", bodyBytes: 0, connections: manyConnections },
    answer: text,
    contenders: ["handler", "raw-hop", "tenon", "tenon-2", "tenon-fetch", "proxy", "node"],
  },
  express: {
    text: "GET, JSON from Express, 32 connections",
    load: { method: "GET", bodyBytes: 0, connections: manyConnections },
    answer: json,
    contenders: ["tenon-express", "proxy-express"],
  },
  fastify: {
    text: "GET, JSON from Fastify, 32 connections",
    load: { method: "GET", bodyBytes: 0, connections: manyConnections },
    answer: json,
    contenders: ["tenon-fastify", "proxy-fastify"],
  },
  post: {
    text: "POST, 64 KiB echoed, 32 connections",
    load: { method: "POST", bodyBytes: postBytes, connections: manyConnections },
    contenders: ["handler", "tenon", "proxy", "node"],
  },
  latency: {
    text: "GET, 12 bytes, one connection",
    load: { method: "GET", bodyBytes: 0, connections: 1 },
    answer: text,
    contenders: ["handler", "raw-hop", "tenon", "proxy", "node"],
  },
  file: {
    text: "GET, a file of 1 GiB, 2 connections",
    load: { method: "GET", bodyBytes: 0, connections: 2 },
    large: { path: "file", bytes: fileBytes },
    contenders: ["static", "tenon-files", "static-sendfile", "tenon-files-sendfile"],
  },
  stream: {
    text: "GET, 100 MiB made in memory, 2 connections",
    load: { method: "GET", bodyBytes: 0, connections: 2 },
    large: { path: "stream", bytes: 100 * 1024 ** 2 },
    contenders: ["tenon-files", "proxy-files"],
  },
};

/** Figures of one measurement. CPU time is that of all processes of the contender. */
export const figures = {
  cpu: "CPU µs/request",
  rate: "requests/s",
  p50: "µs",
  p99: "µs",
} as const;

export type Figure = keyof typeof figures;

/** One contender's figure over another's, in one scenario. */
export interface Ratio {
  readonly scenario: ScenarioName;
  readonly figure: Figure;
  readonly of: ContenderName;
  readonly over: ContenderName;
  /** Largest value that is good enough; absent when the ratio is only shown. */
  readonly limit?: number;
  /** What we want in the end. */
  readonly aim?: number;
}

/** Throughput over ours: at least 0.95 of it. */
const mostTimesFaster = 1.05;

export const ratios: readonly Ratio[] = [
  { scenario: "content", figure: "cpu", of: "tenon", over: "handler", limit: 1.75, aim: 1.5 },
  { scenario: "content", figure: "cpu", of: "raw-hop", over: "handler" },
  { scenario: "content", figure: "cpu", of: "tenon", over: "raw-hop" },
  { scenario: "content", figure: "cpu", of: "tenon", over: "proxy", limit: 0.95, aim: 0.85 },
  { scenario: "content", figure: "cpu", of: "tenon-2", over: "tenon" },
  { scenario: "content", figure: "cpu", of: "tenon-fetch", over: "tenon" },
  { scenario: "express", figure: "cpu", of: "tenon-express", over: "proxy-express", limit: 0.95 },
  { scenario: "fastify", figure: "cpu", of: "tenon-fastify", over: "proxy-fastify", limit: 0.95 },
  { scenario: "post", figure: "cpu", of: "tenon", over: "proxy", limit: 0.6 },
  { scenario: "post", figure: "cpu", of: "tenon", over: "handler" },
  { scenario: "latency", figure: "p50", of: "tenon", over: "proxy", limit: 0.9, aim: 0.8 },
  { scenario: "latency", figure: "p50", of: "tenon", over: "raw-hop" },
  { scenario: "latency", figure: "p50", of: "tenon", over: "handler" },
  // Without sendfile httpd maps its own files into memory, which ours must not be (docs/performance.md).
  { scenario: "file", figure: "rate", of: "static", over: "tenon-files", limit: mostTimesFaster },
  { scenario: "file", figure: "cpu", of: "tenon-files", over: "static" },
  {
    scenario: "file",
    figure: "rate",
    of: "static-sendfile",
    over: "tenon-files-sendfile",
    limit: mostTimesFaster,
  },
  { scenario: "stream", figure: "rate", of: "proxy-files", over: "tenon-files" },
  { scenario: "stream", figure: "cpu", of: "tenon-files", over: "proxy-files" },
];
