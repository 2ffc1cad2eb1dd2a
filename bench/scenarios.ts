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
  /** Path of what is asked for, below the contender's URL. Unset: none. */
  readonly path?: string;
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
  | "stream"
  | "access"
  | "basic"
  | "log"
  | "filter";

/** Bytes of the file that `file` asks for. */
export const fileBytes: number = 1024 ** 3;

/** The file that `filter` asks for. */
export const filtered: { readonly path: string; readonly bytes: number } = {
  path: "filtered",
  bytes: 1024 ** 2,
};

/** The static file that all of them serve. */
export const page: { readonly path: string; readonly text: string } = {
  path: "page",
  text: "x".repeat(1024),
};

/** What gets a request past every check here: all contenders get both, so that all parse the same. */
export const credentials: Readonly<Record<string, string>> = {
  "X-Bench": "yes",
  Authorization: `Basic ${Buffer.from("bench:secret").toString("base64")}`,
};

/** A request for the page, which every contender of the phases answers alike. */
const pageScenario = {
  load: { method: "GET", bodyBytes: 0, connections: manyConnections, headers: credentials },
  path: page.path,
  answer: page.text,
} as const;

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
  access: {
    text: "GET, a static file of 1 KiB behind a check of one header, 32 connections",
    ...pageScenario,
    contenders: [
      "page",
      "page-tenon",
      "access-tenon",
      "access-tenon-cached",
      "access-lua",
      "access-wsgi",
      "access-python",
      "access-perl",
    ],
  },
  basic: {
    text: "GET, the same file behind Basic authentication, 32 connections",
    ...pageScenario,
    contenders: [
      "page",
      "basic-tenon",
      "basic-tenon-cached",
      "basic-file",
      "basic-fcgi",
      "basic-lua",
      "basic-wsgi",
      "basic-python",
      "basic-perl",
    ],
  },
  log: {
    text: "GET, the same file, a line for each request written by a log hook, 32 connections",
    ...pageScenario,
    contenders: ["page", "log-tenon", "log-lua", "log-python", "log-perl"],
  },
  filter: {
    text: "GET, a file of 1 MiB through a filter that changes nothing, 4 connections",
    load: { method: "GET", bodyBytes: 0, connections: 4 },
    large: filtered,
    contenders: [
      "filter-none",
      "filter-tenon",
      "filter-tenon-head",
      "filter-ext",
      "filter-substitute",
    ],
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

/** Tenon over the modules that run the same hook inside httpd: shown, without a limit. */
function overPeers(
  scenario: "access" | "basic" | "log",
  peers: readonly ContenderName[],
): readonly Ratio[] {
  return peers.map((over) => ({ scenario, figure: "cpu", of: `${scenario}-tenon`, over }));
}

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
  { scenario: "access", figure: "cpu", of: "page-tenon", over: "page" },
  { scenario: "access", figure: "cpu", of: "access-tenon", over: "page" },
  { scenario: "access", figure: "cpu", of: "access-tenon-cached", over: "page", limit: 1.1 },
  ...overPeers("access", ["access-lua", "access-wsgi", "access-python", "access-perl"]),
  { scenario: "basic", figure: "cpu", of: "basic-tenon", over: "page" },
  { scenario: "basic", figure: "cpu", of: "basic-tenon", over: "basic-fcgi", limit: 0.5 },
  { scenario: "basic", figure: "cpu", of: "basic-tenon-cached", over: "page" },
  { scenario: "basic", figure: "cpu", of: "basic-tenon-cached", over: "basic-file" },
  ...overPeers("basic", ["basic-file", "basic-lua", "basic-wsgi", "basic-python", "basic-perl"]),
  { scenario: "log", figure: "cpu", of: "log-tenon", over: "page", limit: 1.2 },
  ...overPeers("log", ["log-lua", "log-python", "log-perl"]),
  { scenario: "filter", figure: "cpu", of: "filter-tenon", over: "filter-ext" },
  { scenario: "filter", figure: "cpu", of: "filter-tenon", over: "filter-substitute" },
  { scenario: "filter", figure: "cpu", of: "filter-tenon", over: "filter-none" },
  { scenario: "filter", figure: "cpu", of: "filter-tenon-head", over: "filter-none" },
];
