// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { native } from "../../ts/native.ts";
import { askChild, runChild } from "./child.ts";

const isRoot = process.getuid?.() === 0;

/** Code that tells, of each thread, the lines of its status that matter. */
const TELL = `
  const facts = (path) => Object.fromEntries(fs.readFileSync(path, "utf8").split("\\n")
    .map((line) => line.split(/:\\s*/)).filter(([name]) => /^(Uid|Gid|Groups|CapPrm|CapEff)$/.test(name))
    .map(([name, value]) => [name, value.trim()]));
  const threads = () => fs.readdirSync("/proc/self/task").map((id) => facts("/proc/self/task/" + id + "/status"));`;

describe("native/privileges", () => {
  it("refuses arguments of a wrong type, and root", () => {
    const wrong = native().dropPrivileges as (identity: unknown) => void;
    const bad = [undefined, {}, { uid: 1, gid: 1 }, { uid: 1, gid: 1, groups: ["x"] }];
    for (const identity of [
      ...bad,
      { uid: 0, gid: 1, groups: [] },
      { uid: -1, gid: 1, groups: [] },
    ]) {
      assert.throws(() => wrong(identity), { name: "TypeError", code: "TENON_ERR_ARGUMENT" });
    }
  });

  it("refuses new privileges also when it has the identity already", async () => {
    const lines = await askChild(`
      if (process.getuid() === 0) { process.setgroups([65534]); process.setgid(65534); process.setuid(65534); }
      const { getuid, getgid, getgroups } = process;
      const groups = fs.readFileSync("/proc/self/status", "utf8").match(/^Groups:(.*)$/m)[1].trim();
      native().dropPrivileges({ uid: getuid(), gid: getgid(), groups: groups.split(" ").filter(Boolean).map(Number) });
      const child = spawnSync("grep", ["NoNewPrivs", "/proc/self/status"], { encoding: "utf8" });
      console.log(JSON.stringify([getuid(), child.stdout.trim()]));`);
    assert.deepEqual(lines, [isRoot ? 65534 : process.getuid?.(), "NoNewPrivs:\t1"]);
  });

  describe("as root", () => {
    before(function () {
      if (!isRoot) this.skip();
    });

    it("changes user, group and groups of every thread, for real, effective, saved and file system", async () => {
      const [first, ...others] = (await askChild(`${TELL}
        fs.promises.stat("/").then(() => {
          native().dropPrivileges({ uid: 65534, gid: 33, groups: [65534, 33, 33] });
          console.log(JSON.stringify(threads()));
        });`)) as Record<string, string>[];
      assert.deepEqual(first, {
        Uid: "65534\t65534\t65534\t65534",
        Gid: "33\t33\t33\t33",
        Groups: "33 65534",
        CapPrm: "0000000000000000",
        CapEff: "0000000000000000",
      });
      assert.ok(others.length >= 4, "Node has threads of its own");
      for (const other of others) assert.deepEqual(other, first);
    });

    it("leaves no way back", async () => {
      const outcome = await askChild(`
        native().dropPrivileges({ uid: 65534, gid: 65534, groups: [] });
        const tried = (change) => { try { change(); return "done"; } catch (error) { return error.code; } };
        console.log(JSON.stringify([
          tried(() => process.setuid(0)), tried(() => process.seteuid(0)), tried(() => process.setgid(0)),
          tried(() => process.setgroups([0])), tried(() => fs.readFileSync("/etc/shadow")),
          process.getgroups(),
        ]));`);
      assert.deepEqual(outcome, ["EPERM", "EPERM", "EPERM", "EPERM", "EACCES", [65534]]);
    });

    it("holds for the processes that the worker spawns", async () => {
      const status = await askChild(`
        native().dropPrivileges({ uid: 65534, gid: 65534, groups: [] });
        const child = spawnSync("cat", ["/proc/self/status"], { encoding: "utf8" });
        console.log(JSON.stringify(child.stdout.match(/^(Uid|NoNewPrivs):.*$/gm)));`);
      assert.deepEqual(status, ["Uid:\t65534\t65534\t65534\t65534", "NoNewPrivs:\t1"]);
    });

    it("ends the process when it cannot become the user", async () => {
      const result = await runChild(`
        process.setegid(65534); process.seteuid(65534);
        native().dropPrivileges({ uid: 33, gid: 33, groups: [] });
        console.log("went on");`);
      assert.equal(result.code, 70);
      assert.equal(result.stdout, "");
      assert.match(
        result.stderr,
        /tenon: privileges were not dropped: setgroups: Operation not permitted/,
      );
    });

    it("ends the process when capabilities would stay", async () => {
      // SECBIT_KEEP_CAPS by way of a process that was started with it: capsh is not everywhere, setpriv is.
      const code = `native().dropPrivileges({ uid: 65534, gid: 65534, groups: [] }); console.log("went on");`;
      const result = await runChild(`
        const child = spawnSync("setpriv", ["--securebits", "+no_setuid_fixup", process.execPath,
          "--disable-warning=ExperimentalWarning", "--input-type=module", "-e",
          ${JSON.stringify(`import { native } from ${JSON.stringify(new URL("../../ts/native.ts", import.meta.url).href)};${code}`)}],
          { encoding: "utf8" });
        console.log(JSON.stringify([child.status, child.stdout, child.stderr]));`);
      const [status, stdout, stderr] = JSON.parse(result.stdout) as [number, string, string];
      assert.deepEqual([status, stdout], [70, ""]);
      assert.match(stderr, /privileges were not dropped: capabilities are left/);
    });
  });
});
