// SPDX-License-Identifier: Apache-2.0
// Who is measured, and how each is started.
import { chmodSync, existsSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildHandler } from "./build.ts";
import { type FilterName, filters } from "./filters.ts";
import {
  type Contender,
  type ContenderSpec,
  nodeEnvironment,
  type Start,
  startHttpd,
  startTenonHttpd,
} from "./httpd.ts";
import { type PeerName, peers } from "./peers.ts";
import { StartedProcess } from "./process.ts";
import { fileBytes } from "./scenarios.ts";

type Application = "files" | "listener" | "fetch" | "express" | "fastify";

const hopPath = fileURLToPath(new URL("apps/hop.ts", import.meta.url));
const servePath = fileURLToPath(new URL("apps/serve.ts", import.meta.url));

function applicationPath(name: Application): string {
  return fileURLToPath(new URL(`apps/${name}.ts`, import.meta.url));
}

function startNode(application: Application, socketPath?: string): Promise<StartedProcess> {
  const parameters = [servePath, applicationPath(application)];
  if (socketPath !== undefined) parameters.push(socketPath);
  return StartedProcess.start(process.execPath, parameters, nodeEnvironment);
}

function startHandler(): Promise<Contender> {
  const text = `LoadModule bench_module "${buildHandler()}"
<Location "/">
  SetHandler bench
</Location>`;
  return startHttpd({ text });
}

/** Nothing but a send, a receive and a wake-up on either side: what any hop to a node process costs at least here. */
const startHop: Start = async ({ folder, name }) => {
  const socketPath = join(folder, `${name}.sock`);
  const node = await StartedProcess.start(process.execPath, [hopPath, socketPath], nodeEnvironment);
  try {
    await node.firstLine();
    chmodSync(socketPath, 0o777);
    const text = `LoadModule bench_module "${buildHandler()}"
<Location "/">
  SetHandler bench-hop
  SetEnv bench-hop "${socketPath}"
</Location>`;
    return await startHttpd(
      { load: ["env"], text },
      { roots: () => [node.pid], stop: () => node.stop() },
    );
  } catch (error) {
    await node.stop();
    throw error;
  }
};

/** The file of `file`, sparse, beside a small one. */
function largeFile(folder: string): string {
  const path = join(folder, "file");
  if (!existsSync(path)) {
    writeFileSync(path, "");
    truncateSync(path, fileBytes);
    writeFileSync(join(folder, "first"), "hello world\n");
  }
  return path;
}

/** httpd's own static files. */
function startStatic(sendfile: "On" | "Off"): Start {
  return ({ folder }) => {
    largeFile(folder);
    const text = `EnableSendfile ${sendfile}\nDocumentRoot "${folder}"`;
    return startHttpd({ text }, undefined, { path: "first" });
  };
}

function startTenon(application: Application, processes: number, more = ""): Start {
  return ({ folder }) => {
    const directives =
      application === "files" ? `TenonEnv BENCH_FILE "${largeFile(folder)}"` : undefined;
    const pool = { application: applicationPath(application), processes };
    return startTenonHttpd(
      directives === undefined ? pool : { ...pool, directives },
      `${more}
<Location "/">
  SetHandler tenon:bench
</Location>`,
    );
  };
}

function startProxy(application: Application): Start {
  return async ({ folder, name }) => {
    const socketPath = join(folder, `${name}.sock`);
    const node = await startNode(application, socketPath);
    try {
      await node.firstLine();
      const text = `ProxyPass "/" "unix:${socketPath}|http://localhost/" enablereuse=on`;
      const backend = { roots: () => [node.pid], stop: () => node.stop() };
      return await startHttpd({ load: ["proxy", "proxy_http"], text }, backend);
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
  | "raw-hop"
  | "tenon"
  | "tenon-2"
  | "tenon-fetch"
  | "tenon-express"
  | "tenon-fastify"
  | "proxy"
  | "proxy-express"
  | "proxy-fastify"
  | "static"
  | "static-sendfile"
  | "tenon-files"
  | "tenon-files-sendfile"
  | "proxy-files"
  | "node"
  | PeerName
  | FilterName;

/** Every contender. */
export const contenders: Readonly<Record<ContenderName, ContenderSpec>> = {
  handler: { text: "a handler in C inside httpd", start: startHandler },
  "raw-hop": { text: "that handler, asking a bare node socket first", start: startHop },
  tenon: { text: "Tenon, (req, res) listener, one worker", start: startTenon("listener", 1) },
  "tenon-2": { text: "the same with two workers", start: startTenon("listener", 2) },
  "tenon-fetch": { text: "Tenon, fetch handler, one worker", start: startTenon("fetch", 1) },
  "tenon-express": { text: "Tenon, Express, one worker", start: startTenon("express", 1) },
  "tenon-fastify": { text: "Tenon, Fastify, one worker", start: startTenon("fastify", 1) },
  proxy: {
    text: "mod_proxy_http to node:http over a Unix socket",
    start: startProxy("listener"),
  },
  "proxy-express": { text: "the same with Express", start: startProxy("express") },
  "proxy-fastify": { text: "the same with Fastify", start: startProxy("fastify") },
  static: { text: "httpd's own static file, EnableSendfile Off", start: startStatic("Off") },
  "static-sendfile": { text: "the same, EnableSendfile On", start: startStatic("On") },
  "tenon-files": { text: "Tenon, large bodies, EnableSendfile Off", start: startTenon("files", 1) },
  "tenon-files-sendfile": {
    text: "the same, EnableSendfile On",
    start: startTenon("files", 1, "EnableSendfile On"),
  },
  "proxy-files": { text: "mod_proxy_http, large bodies", start: startProxy("files") },
  node: { text: "node:http alone", start: startPlainNode("listener") },
  ...peers,
  ...filters,
};
