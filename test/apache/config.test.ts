// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { configtest, pool, probe, root } from "../helpers/httpd.ts";
import { type Mistake, refuses } from "../helpers/mistakes.ts";

const app = `TenonApp "${probe}"`;

/** A mistake in one line inside of a pool that is right otherwise. */
function inPool(title: string, line: string, says: RegExp): Mistake {
  return { title, text: `<TenonPool a>\n${app}\n${line}\n</TenonPool>`, line, says };
}

function outside(title: string, line: string, says: RegExp): Mistake {
  return { title, text: line, line, says };
}

const mistakes: Mistake[] = [
  outside(
    "a handler of an unknown pool",
    "SetHandler tenon:nobody",
    /no pool 'nobody': add a section <TenonPool nobody>/,
  ),
  outside(
    "a pool's directive outside of a pool",
    app,
    /outside of a pool: put it between <TenonPool name>/,
  ),
  outside(
    "a directory of the package that is none",
    "TenonPackage /nowhere",
    /\/nowhere is not a directory: name an existing one/,
  ),
  outside(
    "a node that does not exist",
    "TenonNode /nowhere/node",
    /cannot find \/nowhere\/node .*: name an existing file/,
  ),
  inPool(
    "an application file that does not exist",
    "TenonApp missing.ts",
    /cannot find \/.*missing\.ts .*: name an existing file/,
  ),
  inPool(
    "an application that is a folder",
    `TenonApp "${root}"`,
    /is not a file: name the file itself/,
  ),
  inPool(
    "an unknown user",
    "TenonUser no-such-user",
    /no user 'no-such-user': name an existing user/,
  ),
  inPool(
    "root as user",
    "TenonUser root",
    /never runs as root: name the user that owns the application/,
  ),
  inPool(
    "an unknown group",
    "TenonGroup no-such-group",
    /no group 'no-such-group': name an existing group/,
  ),
  inPool("root's group", "TenonGroup root", /never runs in root's group: name another/),
  inPool(
    "a working directory that does not exist",
    "TenonDirectory /nowhere",
    /\/nowhere is not a directory: name an existing one/,
  ),
  inPool(
    "a size that is none",
    "TenonLogMemory 1X",
    /'1X' is not a size from 64K to 1048576K: write a number of bytes, or one with a unit/,
  ),
  inPool("a size out of range", "TenonLogMemory 1K", /'1K' is not a size from 64K/),
  inPool("a size beyond all", "TenonLogSpill 4096G", /'4096G' is not a size from 0K/),
  inPool(
    "a limit of memory that is no size",
    "TenonMemory much",
    /'much' is not a size from 65536K to 1073741824K: write a number of bytes/,
  ),
  inPool("a limit of memory below what Node needs", "TenonMemory 1M", /'1M' is not a size from/),
  inPool(
    "a hard limit of memory that is no size",
    "TenonMemory 512M all",
    /'all' is not a size from 65536K/,
  ),
  inPool(
    "a hard limit of memory that is not above the soft one",
    "TenonMemory 1G 512M",
    /the hard limit 512M is not above the soft limit 1G: write the smaller first/,
  ),
  inPool("no limit of memory, but a hard one", "TenonMemory off 1G", /'off' is not a size from/),
  inPool(
    "a way with log records that is not known",
    "TenonLogOverflow later",
    /write 'spill', 'drop', or 'wait' and a time/,
  ),
  inPool(
    "a wait without a time",
    "TenonLogOverflow wait",
    /or 'wait' and a time, such as wait 100ms/,
  ),
  inPool("a drop with a time", "TenonLogOverflow drop 1s", /write 'spill', 'drop', or 'wait'/),
  inPool(
    "a count that is no number",
    "TenonConcurrency many",
    /'many' is not a whole number from 1 to 10000/,
  ),
  inPool("a count out of range", "TenonConcurrency 0", /'0' is not a whole number from 1 to 10000/),
  inPool("a negative count", "TenonQueueLength -1", /'-1' is not a whole number from 1 to 65535/),
  inPool(
    "a count with a tail",
    "TenonOpenFiles 4096k",
    /'4096k' is not a whole number from 64 to 1048576/,
  ),
  inPool(
    "a count beyond 64 bits",
    "TenonOpenFiles 99999999999999999999999",
    /is not a whole number from 64 to 1048576/,
  ),
  inPool(
    "a time that is none",
    "TenonQueueTimeout soon",
    /'soon' is not a time .*: write a number of seconds, or one with a unit/,
  ),
  inPool(
    "a time with an unknown unit",
    "TenonRequestTimeout 5parsec",
    /'5parsec' is not a time .*unit \(ms, s, min, h\)/,
  ),
  inPool(
    "a time that is too long",
    "TenonGracefulTimeout 1000h",
    /'1000h' is not a time from 0 to 86400 seconds/,
  ),
  inPool(
    "a time that is too short",
    "TenonIdleTimeout 5ms",
    /'5ms' is not a time from 1 to 86400 seconds/,
  ),
  inPool(
    "all threads of httpd for a pool",
    "TenonThreads 96%",
    /'96%' is neither a whole number from 1 to 1000000 nor a percentage from 1% to 95%/,
  ),
  inPool("a share of threads that is none", "TenonThreads 10 %", /TenonThreads takes one argument/),
  inPool(
    "no threads for a pool",
    "TenonThreads 0",
    /'0' is neither a whole number from 1 to 1000000 nor a percentage/,
  ),
  inPool(
    "a umask that is not octal",
    "TenonUmask 0999",
    /'0999' is not an octal number from 0 to 777, such as 0027/,
  ),
  inPool(
    "a jitter without its sign",
    "TenonRequests 1000 20",
    /TenonRequests: '20' is not a percentage: write such as 20%/,
  ),
  inPool("a jitter out of range", "TenonAge 1h 101%", /'101' is not a whole number from 0 to 100/),
  inPool("an age that is too short", "TenonAge 1ms", /'1ms' is not a time from 1 to 1728000 s/),
  inPool("no requests at all", "TenonRequests 0", /'0' is not a whole number from 1 to 1000000000/),
  inPool("no limit, but a jitter", "TenonRequests off 10%", /'off' is not a whole number/),
  inPool(
    "a maximum below the minimum",
    "TenonProcesses 4 2",
    /maximum 2 is below the minimum 4: write the smaller first/,
  ),
  inPool(
    "a minimum that is no number",
    "TenonProcesses few",
    /'few' is not a whole number from 0 to 128/,
  ),
  inPool(
    "a maximum of no workers",
    "TenonProcesses 0 0",
    /'0' is not a whole number from 1 to 128/,
  ),
  inPool(
    "a bad name for a variable",
    'TenonEnv "MY VAR" x',
    /'MY VAR' is not a name: use letters, digits and _/,
  ),
  ...["NODE_OPTIONS", "NODE_COMPILE_CACHE", "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT"].map(
    (name) =>
      inPool(
        `the variable ${name}`,
        `TenonEnv ${name} x`,
        new RegExp(`${name} would take effect before a worker has become the pool's user: \\w+`),
      ),
  ),
  inPool("a variable without value", "TenonEnv ALONE", /TenonEnv takes two arguments/),
  {
    title: "a pool without application",
    text: "<TenonPool empty>\n</TenonPool>",
    line: "<TenonPool empty>",
    says: /'empty' has no application: add a line TenonApp <file>/,
  },
  {
    title: "two pools of one name",
    text: `${pool("twice")}<TenonPool twice >\n${app}\n</TenonPool>`,
    line: "<TenonPool twice >",
    says: /a pool 'twice' already, on line \d+ of .*: choose another name/,
  },
  {
    title: "a bad name for a pool",
    text: `<TenonPool a/b>\n${app}\n</TenonPool>`,
    line: "<TenonPool a/b>",
    says: /'a\/b' is not a name for a pool: use 1 to 32 letters, digits/,
  },
  {
    title: "a pool inside of a location",
    text: `<Location "/x">\n<TenonPool inside>\n${app}\n</TenonPool>\n</Location>`,
    line: "<TenonPool inside>",
    says: /TenonPool.* cannot occur within .*<Location>? section|TenonPool not allowed/i,
  },
];

describe("configuration of the module", () => {
  it("accepts every directive with a right value", async () => {
    const directives = `TenonProcesses 0 3
      TenonConcurrency 50
      TenonQueueLength 10
      TenonQueueTimeout 1500ms
      TenonRequestTimeout 2min
      TenonStartupTimeout 10
      TenonGracefulTimeout 1h
      TenonShutdownTimeout 2s
      TenonIdleTimeout 60
      TenonOpenFiles 1024
      TenonRequests 1000 10%
      TenonAge 12h 0%
      TenonUmask 0027
      TenonDirectory "${root}"
      TenonEnv GREETING "hello world"`;
    const { code, output } = await configtest({ text: pool("all", directives) });
    assert.equal(output, "Syntax OK\n");
    assert.equal(code, 0);
  });

  refuses(mistakes);

  it("refuses a runtime directory whose sockets' names would be too long", async () => {
    const long = `TenonRuntimeDir /tmp/${"long-".repeat(20)}`;
    const { code, output } = await configtest({ text: `${long}\n${pool("a")}` });
    assert.notEqual(code, 0);
    assert.match(output, /too long for sockets .*: name a shorter directory with TenonRuntimeDir/s);
  });

  it("refuses minimums that are more than all pools together may have", async () => {
    const pools = pool("a", "TenonProcesses 2 4") + pool("b", "TenonProcesses 2 2");
    const { code, output } = await configtest({ text: `TenonProcessesTotal 3\n${pools}` });
    assert.notEqual(code, 0);
    assert.match(output, /TN0270: the minimums .* make 4 workers, .* allows \(3\): raise it/);
    assert.equal((await configtest({ text: `TenonProcessesTotal 4\n${pools}` })).code, 0);
  });

  it("refuses a package without a supervisor", async () => {
    const { code, output } = await configtest({ text: `TenonPackage /usr/lib\n${pool("a")}` });
    assert.notEqual(code, 0);
    assert.match(output, /no supervisor in \/usr\/lib .*name the directory of the tenon package/s);
  });

  it("starts nothing at configtest", async () => {
    // configtest() itself looks for processes and for the runtime directory.
    const { code, output } = await configtest({ text: pool("quiet", "TenonProcesses 2 2") });
    assert.equal(code, 0, output);
  });

  it("shows a help for every directive with -L", async () => {
    const { output } = await configtest({ text: "" }, ["-L"]);
    const source = ["directives.h", "config/config.c"].map((name) =>
      readFileSync(join(root, "apache", name), "utf8"),
    );
    const names = [...source.join("\n").matchAll(/"(<?Tenon[A-Z]\w+)",/g)].map((match) => match[1]);
    assert.ok(names.includes("TenonApp") && names.includes("TenonProcesses"));
    assert.ok(names.length >= 18, names.join(" "));
    const lines = output.split("\n");
    for (const name of new Set(names)) {
      const at = lines.findIndex((line) => line.startsWith(`${name} (`));
      assert.notEqual(at, -1, `${name} is not listed`);
      assert.match(lines[at + 1] ?? "", /^\t\S.{20,}/, `${name} has no help`);
    }
  });
});
