// SPDX-License-Identifier: Apache-2.0
// The contenders of the phases: one small static file, with the same check or log line by Tenon, by httpd itself and by
// the modules that others have for it.

import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { httpdPaths } from "../ts/cli/private-httpd.ts";
import { buildAuthorizer } from "./build.ts";
import {
  type Backend,
  type Contender,
  type ContenderSpec,
  type Need,
  type Start,
  startHttpd,
  startTenonHttpd,
} from "./httpd.ts";
import { StartedProcess } from "./process.ts";
import { credentials, page } from "./scenarios.ts";

type Job = "access" | "basic" | "log";
type Peer = "lua" | "wsgi" | "python" | "perl";

/** @returns the file to which a contender that logs writes a line for each request */
export function logOf(folder: string, name: string): string {
  return join(folder, "log", `${name}.log`);
}

function own(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Puts the page and a folder for logs, which httpd's children and workers may write to, into the folder. */
function documents(folder: string): string {
  const path = join(folder, "htdocs");
  if (!existsSync(path)) {
    mkdirSync(path);
    writeFileSync(join(path, page.path), page.text);
    const logs = join(folder, "log");
    mkdirSync(logs);
    // Not by mkdir, whose mode the umask cuts.
    chmodSync(logs, 0o777);
  }
  return path;
}

const first = { path: page.path, headers: credentials };

interface PageOptions {
  /** Directives of the server. */
  readonly server?: string;
  /** Directives of the page's folder: mod_python leaves out the search for files below a <Location> of its own. */
  readonly directory?: string;
  readonly load?: readonly string[];
  readonly backend?: Backend;
}

function pageText(folder: string, { server = "", directory = "" }: PageOptions): string {
  const path = documents(folder);
  return `DocumentRoot "${path}"
${server}
<Directory "${path}">
  ${directory}
</Directory>`;
}

function startPage(options: PageOptions): Start {
  return ({ folder, name }) => {
    const environment = { ...process.env, BENCH_LOG: logOf(folder, name) };
    const text = pageText(folder, options);
    return startHttpd({ load: options.load ?? [], environment, text }, options.backend, first);
  };
}

/** The module of httpd that a package brings. */
export function moduleNeed(name: string, packages: string): Need {
  return { path: () => join(httpdPaths().modules, `mod_${name}.so`), packages };
}

// --- Tenon -----------------------------------------------------------------------------------------------------

/** On a busy machine a worker may need longer for its start than a hook has by default. */
const patient = "timeout=30s";

/** @param options unset: no pool either */
function startTenonPage(options?: PageOptions): Start {
  return ({ folder, name }) => {
    const pool = {
      application: own("apps/hooks.ts"),
      processes: 1,
      directives: `TenonEnv BENCH_LOG "${logOf(folder, name)}"`,
    };
    const text = pageText(folder, options ?? {});
    return startTenonHttpd(options && pool, text, first, options?.load);
  };
}

const authenticated = `AuthType Basic
  AuthName bench
  Require valid-user`;
const basicModules = ["authn_core", "authz_user"];

function startTenonBasic(hook: string): Start {
  return startTenonPage({
    directory: `${authenticated}\n  AuthBasicProvider tenon\n  ${hook}`,
    load: ["auth_basic", "socache_shmcb", ...basicModules],
  });
}

// --- The others ------------------------------------------------------------------------------------------------

interface PeerModule {
  readonly need: Need;
  /** Modules beside its own. */
  readonly load: readonly string[];
  /** Directives of the server. */
  readonly server: string;
  /** Directives of the location for each job; unset: it has no hook for that. */
  readonly jobs: Readonly<Partial<Record<Job, string>>>;
}

const luaFile = own("peers/hooks.lua");
const wsgiFile = own("peers/hooks_wsgi.py");
const peerModules: Readonly<Record<Peer, PeerModule>> = {
  lua: {
    need: moduleNeed("lua", "apache2-bin"),
    load: ["lua", ...basicModules],
    // By default it makes a new interpreter for each request.
    server: "LuaScope thread",
    jobs: {
      access: `LuaHookAccessChecker "${luaFile}" access`,
      basic: `${authenticated}\n  LuaHookCheckUserID "${luaFile}" authenticate`,
      log: `LuaHookLog "${luaFile}" log`,
    },
  },
  wsgi: {
    need: moduleNeed("wsgi", "libapache2-mod-wsgi-py3"),
    load: ["wsgi", "auth_basic", ...basicModules],
    server: "",
    jobs: {
      access: `WSGIAccessScript "${wsgiFile}"`,
      basic: `${authenticated}\n  AuthBasicProvider wsgi\n  WSGIAuthUserScript "${wsgiFile}"`,
    },
  },
  python: {
    need: moduleNeed("python", "libapache2-mod-python"),
    load: ["python", ...basicModules],
    server: `PythonPath "sys.path+['${own("peers")}']"\nPythonAutoReload Off`,
    jobs: {
      access: "PythonAccessHandler hooks_python::access",
      basic: `${authenticated}\n  PythonAuthenHandler hooks_python::authenticate`,
      log: "PythonLogHandler hooks_python::log",
    },
  },
  perl: {
    need: moduleNeed("perl", "libapache2-mod-perl2"),
    load: ["perl", ...basicModules],
    // As many interpreters as a child is ever in at once: none is made under load.
    server: `PerlPassEnv BENCH_LOG\nPerlRequire "${own("peers/hooks.pl")}"\nPerlInterpStart 16\nPerlInterpMax 64`,
    jobs: {
      access: "PerlAccessHandler Bench::access",
      basic: `${authenticated}\n  PerlAuthenHandler Bench::authenticate`,
      log: "PerlLogHandler Bench::log",
    },
  },
};

const refusals: Readonly<Partial<Record<Job, number>>> = { access: 403, basic: 401 };

function peer(name: Peer, job: Job): ContenderSpec {
  const { need, load, server, jobs } = peerModules[name];
  const refuses = refusals[job];
  return {
    text: `mod_${name}: ${job}`,
    needs: need,
    ...(refuses === undefined ? { logs: true } : { refuses }),
    start: startPage({ server, directory: jobs[job] ?? "", load }),
  };
}

/** The user's password in the cheapest hash that httpd knows: what is compared is the hook, not bcrypt. */
const startPasswordFile: Start = (options) => {
  const path = join(options.folder, "passwords");
  const hash = createHash("sha1").update("secret").digest("base64");
  writeFileSync(path, `bench:{SHA}${hash}\n`);
  const directory = `${authenticated}\n  AuthBasicProvider file\n  AuthUserFile "${path}"`;
  const load = ["authn_file", "auth_basic", ...basicModules];
  return startPage({ directory, load })(options);
};

const startAuthorizer: Start = async (options): Promise<Contender> => {
  const authorizer = await StartedProcess.start(buildAuthorizer(), []);
  try {
    const port = Number(await authorizer.firstLine());
    const page = {
      server: `AuthnzFcgiDefineProvider authn bench fcgi://127.0.0.1:${port}/`,
      directory: `${authenticated}\n  AuthBasicProvider bench`,
      load: ["authnz_fcgi", "auth_basic", ...basicModules],
      backend: { roots: () => [authorizer.pid], stop: () => authorizer.stop() },
    };
    return await startPage(page)(options);
  } catch (error) {
    await authorizer.stop();
    throw error;
  }
};

export type PeerName =
  | "page"
  | "page-tenon"
  | "access-tenon"
  | "access-tenon-cached"
  | `access-${Peer}`
  | "basic-tenon"
  | "basic-tenon-cached"
  | "basic-file"
  | "basic-fcgi"
  | `basic-${Peer}`
  | "log-tenon"
  | `log-${Exclude<Peer, "wsgi">}`;

/** Every contender of the phases. */
export const peers: Readonly<Record<PeerName, ContenderSpec>> = {
  page: { text: "httpd's own static file of 1 KiB, nothing else", start: startPage({}) },
  "page-tenon": { text: "the same with mod_tenon loaded, no hook", start: startTenonPage() },
  "access-tenon": {
    text: "the same behind Tenon's access_checker",
    refuses: 403,
    start: startTenonPage({ directory: `TenonHook access_checker bench ${patient}` }),
  },
  "access-tenon-cached": {
    text: "the same, its decision kept",
    refuses: 403,
    start: startTenonPage({
      directory: `TenonHook access_checker bench#accessCheckerKept ${patient}`,
      load: ["socache_shmcb"],
    }),
  },
  "basic-tenon": {
    text: "AuthBasicProvider tenon",
    refuses: 401,
    start: startTenonBasic(`TenonHook check_password bench ${patient}`),
  },
  "basic-tenon-cached": {
    text: "the same, its decision kept",
    refuses: 401,
    start: startTenonBasic(`TenonHook check_password bench#checkPasswordKept ${patient}`),
  },
  "basic-file": {
    text: "httpd's AuthUserFile, passwords hashed with SHA-1",
    refuses: 401,
    start: startPasswordFile,
  },
  "basic-fcgi": {
    text: "mod_authnz_fcgi, an authorizer in C",
    needs: { path: () => "/usr/include/fcgiapp.h", packages: "libfcgi-dev" },
    refuses: 401,
    start: startAuthorizer,
  },
  "log-tenon": {
    text: "Tenon's log_transaction",
    logs: true,
    start: startTenonPage({ directory: "TenonHook log_transaction bench" }),
  },
  "access-lua": peer("lua", "access"),
  "access-wsgi": peer("wsgi", "access"),
  "access-python": peer("python", "access"),
  "access-perl": peer("perl", "access"),
  "basic-lua": peer("lua", "basic"),
  "basic-wsgi": peer("wsgi", "basic"),
  "basic-python": peer("python", "basic"),
  "basic-perl": peer("perl", "basic"),
  "log-lua": peer("lua", "log"),
  "log-python": peer("python", "log"),
  "log-perl": peer("perl", "log"),
};
