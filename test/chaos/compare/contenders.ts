// SPDX-License-Identifier: Apache-2.0
// Who is compared, each with two pools of the same application and with the settings that its documentation has for faults.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Contender, type Need, nodeEnvironment, startHttpd } from "../../../bench/httpd.ts";
import { moduleNeed } from "../../../bench/peers.ts";
import { pool, root } from "../../helpers/httpd.ts";
import { Kept } from "./kept.ts";

/** A contender that runs. */
export interface Running extends Contender {
  /** Puts code in the place of the attacked pool's, and says so as the contender's documentation tells. */
  readonly deploy: (code: "broken" | "good") => Promise<void>;
}

export interface ComparedSpec {
  readonly text: string;
  readonly needs?: Need;
  readonly start: (folder: string) => Promise<Running>;
}

const pools = ["attacked", "calm"] as const;
const first = { path: "calm/get?id=first" };
const own = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const broken = { "app.cjs": "this is no program;\n", "app.py": "this is no program\n" } as const;
type Application = keyof typeof broken;

/** Memory that a worker may take where that can be said: Tenon's standard. */
const MEMORY_MIB = 1024;
/** Time that code may run for one request, or keep an event loop, where that can be said: Tenon's standard. */
const SECONDS = 10;

function write(
  folder: string,
  name: string,
  application: Application,
  code: "broken" | "good",
): void {
  const path = join(folder, name, application);
  if (code === "good") copyFileSync(own(application), path);
  else writeFileSync(path, broken[application]);
  chmodSync(path, 0o644);
}

function deployAll(folder: string, application: Application): void {
  for (const name of pools) {
    mkdirSync(join(folder, name, "tmp"), { recursive: true });
    // mkdir's mode is cut by the umask.
    for (const path of [name, join(name, "tmp")]) chmodSync(join(folder, path), 0o755);
    write(folder, name, application, "good");
  }
}

function asUser(directive: string): string {
  return process.getuid?.() === 0 ? `${directive} www-data` : "";
}

async function startTenon(folder: string): Promise<Running> {
  deployAll(folder, "app.cjs");
  const text = pools
    .map((name) =>
      pool(name, `TenonProcesses 2 2\n${asUser("TenonUser")}`, join(folder, name, "app.cjs")),
    )
    .join("\n");
  const tenon = {
    module: join(root, "build/apache/mod_tenon.so"),
    node: process.execPath,
    package: root.slice(0, -1),
  };
  const contender = await startHttpd({ tenon, text }, undefined, first);
  // The save is all.
  return { ...contender, deploy: async (code) => write(folder, "attacked", "app.cjs", code) };
}

function passengerRoot(): string {
  const path = "/etc/apache2/mods-available/passenger.conf";
  const [, found] = existsSync(path)
    ? (/^\s*PassengerRoot\s+(\S+)/m.exec(readFileSync(path, "utf8")) ?? [])
    : [];
  return found ?? "/usr/lib/ruby/vendor_ruby/phusion_passenger/locations.ini";
}

async function startPassenger(folder: string): Promise<Running> {
  deployAll(folder, "app.cjs");
  const registry = join(folder, "registry");
  mkdirSync(registry);
  const locations = pools.map(
    (name) => `Alias "/${name}" "${join(folder, name, "public")}"
<Location "/${name}">
  PassengerBaseURI "/${name}"
  PassengerAppRoot "${join(folder, name)}"
  PassengerAppType node
  PassengerStartupFile app.cjs
  PassengerMinInstances 2
  Require all granted
</Location>`,
  );
  const text = `PassengerRoot "${passengerRoot()}"
PassengerInstanceRegistryDir "${registry}"
PassengerLogFile "${join(folder, "passenger.log")}"
PassengerDisableSecurityUpdateCheck on
PassengerNodejs "${process.execPath}"
${asUser("PassengerUser")}
PassengerMaxPoolSize 4
${locations.join("\n")}`;
  for (const name of pools) {
    mkdirSync(join(folder, name, "public"));
    chmodSync(join(folder, name, "public"), 0o755);
  }
  const environment = { ...process.env, ...nodeEnvironment, NODE_OPTIONS: heapOption };
  const load = ["alias", "passenger"];
  const contender = await startHttpd({ load, environment, text }, undefined, first);
  return {
    ...contender,
    deploy: async (code) => {
      write(folder, "attacked", "app.cjs", code);
      writeFileSync(join(folder, "attacked", "tmp", "restart.txt"), "");
    },
  };
}

/** How Node documents a limit of memory. */
const heapOption = `--max-old-space-size=${MEMORY_MIB}`;

async function startWsgi(folder: string): Promise<Running> {
  deployAll(folder, "app.py");
  const limits = `request-timeout=${SECONDS} queue-timeout=45 deadlock-timeout=60 shutdown-timeout=5 memory-limit=${MEMORY_MIB * 1024 * 1024}`;
  const user = process.getuid?.() === 0 ? "user=www-data group=www-data" : "";
  const groups = pools.map(
    (name) => `WSGIDaemonProcess ${name} processes=2 threads=15 ${user} ${limits}
WSGIScriptAlias "/${name}" "${join(folder, name, "app.py")}" process-group=${name} application-group=%{GLOBAL}
<Directory "${join(folder, name)}">
  Require all granted
</Directory>`,
  );
  const text = `WSGISocketPrefix "${join(folder, "wsgi")}"\n${groups.join("\n")}`;
  const contender = await startHttpd({ load: ["wsgi"], text }, undefined, first);
  return {
    ...contender,
    deploy: async (code) => {
      write(folder, "attacked", "app.py", code);
      // A file is as new as its time says, in whole seconds.
      const time = Date.now() / 1000 + 2;
      utimesSync(join(folder, "attacked", "app.py"), time, time);
    },
  };
}

async function startProxy(folder: string): Promise<Running> {
  deployAll(folder, "app.cjs");
  const servers = new Map<string, Kept>();
  const stop = async (): Promise<void> => {
    await Promise.all([...servers.values()].map((server) => server.stop()));
  };
  try {
    const lines: string[] = [];
    for (const name of pools) {
      const socket = join(folder, `${name}.sock`);
      const environment = { ...nodeEnvironment, COMPARE_SOCKET: socket };
      servers.set(name, new Kept(join(folder, name, "app.cjs"), socket, environment, heapOption));
      await servers.get(name)?.listening();
      // Without retry=0 a server that was away once is not asked again for a minute.
      lines.push(`ProxyPass "/${name}" "unix:${socket}|http://localhost/${name}" retry=0`);
    }
    const backend = { roots: () => [], stop };
    const text = lines.join("\n");
    const contender = await startHttpd({ load: ["proxy", "proxy_http"], text }, backend, first);
    return {
      ...contender,
      deploy: async (code) => {
        write(folder, "attacked", "app.cjs", code);
        servers.get("attacked")?.restart();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Every contender of the comparison. */
export const compared: ReadonlyMap<string, ComparedSpec> = new Map([
  ["tenon", { text: "Tenon, two workers a pool, standard settings", start: startTenon }],
  [
    "passenger",
    {
      text: "Passenger (open source), PassengerMinInstances 2",
      needs: moduleNeed("passenger", "libapache2-mod-passenger"),
      start: startPassenger,
    },
  ],
  [
    "wsgi",
    {
      text: `mod_wsgi's daemon mode, two processes of 15 threads, request-timeout=${SECONDS}`,
      needs: moduleNeed("wsgi", "libapache2-mod-wsgi-py3"),
      start: startWsgi,
    },
  ],
  [
    "proxy",
    {
      text: "mod_proxy_http (retry=0) to one node, started again 100 ms after its end",
      start: startProxy,
    },
  ],
]);
