// SPDX-License-Identifier: Apache-2.0
// Who is measured, and how each is started.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildHandler } from "./build-handler.ts";
import { Httpd } from "./httpd.ts";
import { StartedProcess } from "./process.ts";

export interface Contender {
  readonly url: string;
  /** Processes whose trees are the contender: all that they start counts. */
  roots(): readonly number[];
  /** What to show when it fails. */
  log(): string;
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Folder for this contender alone; not made yet. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

type Start = (options: StartOptions) => Promise<Contender>;
type Application = "listener" | "fetch" | "express";

const modulePath = fileURLToPath(new URL("../build/apache/mod_tenon.so", import.meta.url));
const servePath = fileURLToPath(new URL("apps/serve.ts", import.meta.url));

function applicationPath(name: Application): string {
  return fileURLToPath(new URL(`apps/${name}.ts`, import.meta.url));
}

/** Environment of every node process, as Tenon gives it to its workers. */
const nodeEnvironment = { NODE_ENV: "production" };

function startNode(application: Application, socketPath?: string): Promise<StartedProcess> {
  const parameters = [servePath, applicationPath(application)];
  if (socketPath !== undefined) parameters.push(socketPath);
  return StartedProcess.start(process.execPath, parameters, nodeEnvironment);
}

async function startHandler(options: StartOptions): Promise<Contender> {
  const httpd = await Httpd.start({
    ...options,
    modules: [],
    configuration: [
      `LoadModule bench_module "${buildHandler()}"`,
      '<Location "/">',
      "SetHandler bench",
      "</Location>",
    ].join("\n"),
  });
  return {
    url: `http://127.0.0.1:${httpd.port}/`,
    roots: () => [httpd.pid],
    log: () => httpd.log(),
    stop: () => httpd.stop(),
  };
}

function startTenon(application: Application, processes: number): Start {
  return async (options) => {
    if (!existsSync(modulePath)) throw new Error(`${modulePath} is missing: run scripts/setup`);
    const runtime = join(options.directory, "tenon");
    const httpd = await Httpd.start({
      ...options,
      modules: [],
      configuration: [
        `LoadModule tenon_module "${modulePath}"`,
        `TenonRuntimeDir "${runtime}"`,
        `TenonNode "${process.execPath}"`,
        "<TenonPool bench>",
        `TenonApp "${applicationPath(application)}"`,
        ...(process.getuid?.() === 0 ? ["TenonUser www-data"] : []),
        `TenonProcesses ${processes} ${processes}`,
        "TenonConcurrency 100",
        "</TenonPool>",
        '<Location "/">',
        "SetHandler tenon:bench",
        "</Location>",
      ].join("\n"),
    });
    return {
      url: `http://127.0.0.1:${httpd.port}/`,
      // The supervisor may have left httpd's tree: its pid file tells.
      roots: () => [httpd.pid, Number(readFileSync(join(runtime, "supervisor.pid"), "utf8"))],
      log: () => httpd.log(),
      stop: () => httpd.stop(),
    };
  };
}

function startProxy(application: Application): Start {
  return async (options) => {
    const socketPath = `${options.directory}.sock`;
    const node = await startNode(application, socketPath);
    try {
      await node.firstLine();
      const httpd = await Httpd.start({
        ...options,
        modules: ["proxy", "proxy_http"],
        configuration: `ProxyPass "/" "unix:${socketPath}|http://localhost/" enablereuse=on`,
      });
      return {
        url: `http://127.0.0.1:${httpd.port}/`,
        roots: () => [httpd.pid, node.pid],
        log: () => httpd.log(),
        stop: async () => {
          await httpd.stop();
          await node.stop();
        },
      };
    } catch (error) {
      await node.stop();
      throw error;
    }
  };
}

function startPlainNode(application: Application): Start {
  return async () => {
    const node = await startNode(application);
    const port: unknown = JSON.parse(await node.firstLine());
    return {
      url: `http://127.0.0.1:${port}/`,
      roots: () => [node.pid],
      log: () => "(node:http writes no log)",
      stop: () => node.stop(),
    };
  };
}

export type ContenderName =
  | "handler"
  | "tenon"
  | "tenon-2"
  | "tenon-fetch"
  | "tenon-express"
  | "proxy"
  | "proxy-express"
  | "node";

/** Every contender: what it is, and how to start it. */
export const contenders: Readonly<Record<ContenderName, { text: string; start: Start }>> = {
  handler: { text: "a handler in C inside httpd", start: startHandler },
  tenon: { text: "Tenon, (req, res) listener, one worker", start: startTenon("listener", 1) },
  "tenon-2": { text: "the same with two workers", start: startTenon("listener", 2) },
  "tenon-fetch": { text: "Tenon, fetch handler, one worker", start: startTenon("fetch", 1) },
  "tenon-express": { text: "Tenon, Express, one worker", start: startTenon("express", 1) },
  proxy: {
    text: "mod_proxy_http to node:http over a Unix socket",
    start: startProxy("listener"),
  },
  "proxy-express": { text: "the same with Express", start: startProxy("express") },
  node: { text: "node:http alone", start: startPlainNode("listener") },
};
