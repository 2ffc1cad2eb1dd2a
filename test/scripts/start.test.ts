// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask } from "../helpers/http-client.ts";
import { root } from "../helpers/httpd.ts";
import { alive, processesIn, waitUntil } from "../helpers/processes.ts";

const examples = readdirSync(join(root, "examples"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();

/** A command that runs, with what it has said so far. Its temporary files go to a folder of its own. */
class Run {
  readonly temporary: string;
  readonly child: ChildProcess;
  readonly exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  said = "";

  constructor(command: string, args: readonly string[] = [], environment: NodeJS.ProcessEnv = {}) {
    this.temporary = makeFolder();
    this.child = spawn(command, args, {
      cwd: root,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...environment, TMPDIR: this.temporary },
    });
    this.exit = once(this.child, "close").then(([code, signal]) => ({ code, signal }));
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.said += text;
      });
    }
  }

  async saying(pattern: RegExp): Promise<RegExpExecArray> {
    const explain = (): string => this.said;
    const said = (): boolean => pattern.test(this.said) || this.child.exitCode !== null;
    await waitUntil(`${pattern}`, said, { timeoutMs: 50_000, explain });
    return pattern.exec(this.said) ?? assert.fail(`ended: ${this.said}`);
  }

  /** Signals the whole process group, as a terminal does at Ctrl-C. */
  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-(this.child.pid ?? 0), signal);
  }

  assertNothingLeft(): void {
    assert.deepEqual(processesIn(this.temporary), []);
    assert.deepEqual(readdirSync(this.temporary), []);
  }

  async remove(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.signalGroup("SIGTERM");
    await this.exit;
    rmSync(this.temporary, { recursive: true, force: true });
  }
}

/** A temporary folder that the workers' user may enter. */
function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tenon-start-"));
  chmodSync(folder, 0o711);
  return folder;
}

/** Waits until the examples are served, and asks for the index and for each example that it names. */
async function assertServes(run: Run): Promise<void> {
  const [, url = ""] = await run.saying(/^(http:\/\/127\.0\.0\.1:\d+)\/$/m);
  await run.saying(/^Ctrl-C stops it\.$/m);
  const index = await ask(`${url}/`);
  assert.equal(index.status, 200);
  const links = [...index.text.matchAll(/href="\/([^"]*)"/g)].map(([, name = ""]) => name);
  assert.deepEqual(links.sort(), examples);
  for (const name of links) {
    assert.ok(run.said.includes(`\n${url}/${name}\n`), run.said);
    const answer = await ask(`${url}/${name}`);
    assert.equal(answer.status, 200, `${name}: ${answer.text}`);
    assert.ok(answer.body.length > 0);
  }
  const commands = processesIn(run.temporary).map(({ pid }) =>
    readFileSync(`/proc/${pid}/cmdline`, "latin1"),
  );
  assert.ok(commands.some((command) => command.includes("-DFOREGROUND")));
  assert.ok(commands.some((command) => command.includes("/ts/supervisor/main.ts")));
}

describe("scripts/start", () => {
  const runs: Run[] = [];

  function start(...run: ConstructorParameters<typeof Run>): Run {
    const started = new Run(...run);
    runs.push(started);
    return started;
  }
  afterEach(() => Promise.all(runs.splice(0).map((run) => run.remove())));

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`serves the index and every example until ${signal}, and leaves nothing`, async () => {
      const run = start(join(root, "scripts/start"));
      await assertServes(run);
      run.child.kill(signal);
      assert.deepEqual(await run.exit, { code: 0, signal: null });
      run.assertNothingLeft();
    });
  }

  it("is npm start too, and ends by Ctrl-C in a terminal", async () => {
    // npm itself keeps compiled code and logs.
    const environment = { NODE_DISABLE_COMPILE_CACHE: "1", npm_config_logs_max: "0" };
    const run = start("npm", ["start"], environment);
    await assertServes(run);
    run.signalGroup("SIGINT");
    await run.exit;
    run.assertNothingLeft();
  });

  it("ends httpd when it is asked to end before httpd serves", async () => {
    const run = start(join(root, "scripts/start"));
    await run.saying(/^==> start httpd$/m);
    run.child.kill("SIGTERM");
    assert.deepEqual(await run.exit, { code: 0, signal: null });
    run.assertNothingLeft();
  });

  it("ends with the log's last lines when httpd ends by itself", async () => {
    const run = start(join(root, "scripts/start"));
    await run.saying(/^Ctrl-C stops it\.$/m);
    const [, path = ""] = await run.saying(/^configuration +(.*)$/m);
    const pid = Number(readFileSync(join(path, "..", "run", "httpd.pid"), "utf8"));
    process.kill(pid, "SIGTERM");
    assert.deepEqual(await run.exit, { code: 1, signal: null });
    assert.match(run.said, /^httpd ended by itself \(code 0, signal null\)/m);
    assert.match(run.said, /caught SIGTERM, shutting down/);
    run.assertNothingLeft();
  });

  it("ends what the set-up has started when it is asked to end meanwhile", async () => {
    const tools = makeFolder();
    try {
      // A tool of the set-up that never comes to its end.
      const pidFile = join(tools, "pid");
      const tool = `#!/bin/sh\necho $$ > ${pidFile}.new\nmv ${pidFile}.new ${pidFile}\nexec tail -f /dev/null\n`;
      writeFileSync(join(tools, "dpkg-query"), tool, { mode: 0o755 });
      const run = start(join(root, "scripts/start"), [], {
        PATH: `${tools}:${process.env["PATH"]}`,
      });
      await waitUntil("the tool", () => existsSync(pidFile), { explain: () => run.said });
      const pid = Number(readFileSync(pidFile, "utf8"));
      run.child.kill("SIGTERM");
      assert.deepEqual(await run.exit, { code: 143, signal: null });
      await waitUntil("the tool's end", () => !alive(pid));
      assert.doesNotMatch(run.said, /start httpd/);
      run.assertNothingLeft();
    } finally {
      rmSync(tools, { recursive: true });
    }
  });

  it("serves from a checkout that the workers' user cannot read", async function () {
    // Another user than the workers' starts httpd only when that is root.
    if (process.getuid?.() !== 0) this.skip();
    const closed = makeFolder();
    try {
      const checkout = join(closed, "tenon");
      mkdirSync(checkout);
      for (const name of readdirSync(root)) {
        if (name === "node_modules" || name === "test") {
          symlinkSync(join(root, name), join(checkout, name));
        } else if (name !== ".git") {
          cpSync(join(root, name), join(checkout, name), {
            recursive: true,
            preserveTimestamps: true,
          });
        }
      }
      chmodSync(closed, 0o700);
      const run = start(join(checkout, "scripts/start"));
      await assertServes(run);
      assert.match(run.said, /^==> copy to .*: the workers' user, www-data, cannot read/m);
      run.child.kill("SIGINT");
      assert.deepEqual(await run.exit, { code: 0, signal: null });
      run.assertNothingLeft();
    } finally {
      rmSync(closed, { recursive: true });
    }
  });
});

describe("scripts", () => {
  for (const name of ["start", "setup", "test"]) {
    it(`${name} --help says what it does, and does nothing`, async () => {
      const run = new Run(join(root, "scripts", name), ["--help"]);
      assert.deepEqual(await run.exit, { code: 0, signal: null });
      assert.match(run.said, new RegExp(`^Usage: scripts/${name}\\b`));
      assert.doesNotMatch(run.said, /==>/);
      await run.remove();
    });
  }

  for (const name of ["start", "setup"]) {
    it(`${name} refuses an argument that it does not know`, async () => {
      const run = new Run(join(root, "scripts", name), ["--port"]);
      assert.deepEqual(await run.exit, { code: 2, signal: null });
      assert.match(run.said, new RegExp(`^${name}: unknown argument '--port': .*--help`));
      await run.remove();
    });
  }
});
