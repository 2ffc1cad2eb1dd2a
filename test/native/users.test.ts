// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { userInfo } from "node:os";
import { native } from "../../ts/native.ts";

describe("native/users", () => {
  it("knows the users of the system", () => {
    const { username, uid, gid, homedir, shell } = userInfo();
    assert.deepEqual(native().userByName(username), { uid, gid, home: homedir, shell });
    assert.equal(native().userByName("root")?.uid, 0);
    assert.equal(native().userByName("no such user"), undefined);
  });

  it("knows the groups of the system", () => {
    assert.equal(native().groupByName("root"), 0);
    assert.equal(native().groupByName("no such group"), undefined);
  });

  it("knows all groups of a user", () => {
    for (const name of [userInfo().username, "nobody", "www-data"]) {
      const gid = native().userByName(name)?.gid ?? 0;
      const expected = execFileSync("id", ["-G", name], { encoding: "utf8" }).trim().split(" ");
      assert.deepEqual([...native().groupsOf(name, gid)].sort(), expected.map(Number).sort());
    }
  });

  it("counts the group that is given among the groups", () => {
    assert.ok(native().groupsOf("nobody", 4242).includes(4242));
  });

  it("refuses arguments of a wrong type", () => {
    const wrong = native() as unknown as Record<string, (...args: unknown[]) => unknown>;
    for (const name of ["userByName", "groupByName", "groupsOf"]) {
      for (const argument of ["", "a\0", 0, undefined]) {
        assert.throws(() => wrong[name]?.(argument, 0), { code: "TENON_ERR_ARGUMENT" }, name);
      }
    }
    assert.throws(() => native().groupsOf("nobody", -1), { code: "TENON_ERR_ARGUMENT" });
  });
});
