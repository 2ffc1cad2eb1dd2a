// SPDX-License-Identifier: Apache-2.0
// Who is measured, and how each is started.
import { chmodSync, existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PrivateHttpd, type PrivateHttpdOptions } from "../ts/cli/private-httpd.ts";
import { buildHandler } from "./build-handler.ts";
import { StartedProcess } from "./process.ts";
import { fileBytes } from "./scenarios.ts";

export interface Contender {
  readonly url: string;
  /** Processes whose trees are the contender: all that they start counts. */
  roots(): readonly number[];
  /** What to show when it fails. */
  log(): string;
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Folder for sockets. */
  readonly folder: string;
  readonly name: string;
}

type Start = (options: StartOptions) => Promise<Contender>;
type Application = "files" | "listener" | "fetch" | "express" | "fastify";

const modulePath = fileURLToPath(new URL("../build/apache/mod_tenon.so", import.meta.url));
const packagePath = fileURLToPath(new URL("..", import.meta.url));
const hopPath = fileURLToPath(new URL("apps/hop.ts", import.meta.url));
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

/** The same for all: two children and threads for four times the load, none started or stopped while it runs. */
const size = `StartServers 2
ServerLimit 2
ThreadsPerChild 64
MaxRequestWorkers 128
MinSpareThreads 1
MaxSpareThreads 128`;

/** Also the same for all. No line a request (notice is the least at which httpd still says that it serves); no search for .htaccess, as in every distribution's configuration. */
const common = `LogLevel notice
<Directory "/">
  AllowOverride None
</Directory>`;

/** Waits until all that is behind the httpd has started. @throws with the httpd's log when it does not */
async function firstAnswer(contender: Contender, path: string): Promise<void> {
  try {
    const response = await fetch(contender.url + path);
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`the first answer has status ${response.status}`);
  } catch (cause) {
    const log = contender.log();
    await contender.stop();
    throw new Error(`${String(cause)}\n${log}`, { cause });
  }
}

async function startHttpd(
  own: Pick<PrivateHttpdOptions, "load" | "tenon"> & { readonly text: string },
  more: Pick<Contender, "stop"> & { readonly roots: (httpd: PrivateHttpd) => readonly number[] },
  first = "",
): Promise<Contender> {
  const httpd = await PrivateHttpd.start({
    ...own,
    size,
    text: `${common}\n${own.text}`,
  });
  const contender = {
    url: `${httpd.url}/`,
    roots: () => [httpd.pid, ...more.roots(httpd)],
    log: () => httpd.log.tail(),
    stop: async () => {
      await httpd.stop();
      await more.stop();
    },
  };
  await firstAnswer(contender, first);
  return contender;
}

const alone = { roots: () => [], stop: async () => {} };

function startHandler(): Promise<Contender> {
  const text = `LoadModule bench_module "${buildHandler()}"
<Location "/">
  SetHandler bench
</Location>`;
  return startHttpd({ text }, alone);
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
    return startHttpd({ text }, alone, "first");
  };
}

function startTenon(application: Application, processes: number, more = ""): Start {
  return ({ folder }) => {
    if (!existsSync(modulePath)) throw new Error(`${modulePath} is missing: run scripts/setup`);
    const text = `<TenonPool bench>
  TenonApp "${applicationPath(application)}"
  ${process.getuid?.() === 0 ? "TenonUser www-data" : ""}
  TenonProcesses ${processes} ${processes}
  TenonConcurrency 100
  ${application === "files" ? `TenonEnv BENCH_FILE "${largeFile(folder)}"` : ""}
</TenonPool>
${more}
<Location "/">
  SetHandler tenon:bench
</Location>`;
    const tenon = { module: modulePath, node: process.execPath, package: packagePath };
    // The supervisor may have left httpd's tree: its pid file tells.
    const supervisor = (httpd: PrivateHttpd): number[] => [
      Number(readFileSync(join(httpd.places.directory, "run/tenon/supervisor.pid"), "utf8")),
    ];
    return startHttpd({ tenon, text }, { ...alone, roots: supervisor });
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
  | "node";

/** Every contender: what it is, and how to start it. */
export const contenders: Readonly<Record<ContenderName, { text: string; start: Start }>> = {
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
};
