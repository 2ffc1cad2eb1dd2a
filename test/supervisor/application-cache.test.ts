// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import {
  chownSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  openApplicationCache,
  removeApplicationCaches,
  removeForeign,
} from "../../ts/supervisor/application-cache.ts";
import { isRoot } from "./supervised.ts";

const us = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
const NOBODY = 65_534;

describe("supervisor/application-cache", () => {
  let folder: string;
  let caches: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tenon-cache-"));
    caches = join(folder, "caches");
    mkdirSync(join(caches, "one", "version"), { recursive: true });
    writeFileSync(join(caches, "one", "version", "entry"), "compiled");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("is the folder that is there when it is its user's", () => {
    const fd = openApplicationCache(join(caches, "one"), us);
    assert.equal(fstatSync(fd).ino, statSync(join(caches, "one")).ino);
    closeSync(fd);
    assert.ok(existsSync(join(caches, "one", "version", "entry")));
  });

  it("is made anew where there is none, for its user alone", () => {
    closeSync(openApplicationCache(join(caches, "two"), us));
    assert.equal(statSync(join(caches, "two")).mode & 0o777, 0o700);
  });

  it("is made anew when another user's is there, so that nobody runs what that one left", function () {
    if (!isRoot) this.skip();
    const path = join(caches, "one");
    chownSync(path, NOBODY, NOBODY);
    closeSync(openApplicationCache(path, { uid: 33, gid: 33 }));
    assert.deepEqual(readdirSync(path), []);
    assert.equal(statSync(path).uid, 33);
  });

  it("is removed with links as links, not with what they point to", () => {
    const kept = join(folder, "kept");
    mkdirSync(kept);
    writeFileSync(join(kept, "file"), "");
    symlinkSync(kept, join(caches, "one", "link"));
    symlinkSync(join(kept, "file"), join(caches, "one", "version", "link"));
    removeForeign(join(caches, "one"));
    assert.ok(!existsSync(join(caches, "one")));
    assert.deepEqual(readdirSync(kept), ["file"]);
  });

  it("is not followed where it is a link itself", () => {
    symlinkSync(folder, join(caches, "link"));
    assert.throws(() => removeForeign(join(caches, "link")), { code: /ENOTDIR|ELOOP/ });
    assert.ok(existsSync(caches));
  });

  it("is ours alone before anything in it is named", function () {
    if (!isRoot) this.skip();
    const deep = join(caches, "one", "a", "b", "c", "d", "e", "f");
    mkdirSync(deep, { recursive: true });
    for (const path of ["one", "one/a", "one/a/b"]) chownSync(join(caches, path), NOBODY, NOBODY);
    assert.throws(() => removeForeign(join(caches, "one")), /too deep/);
    for (const path of ["one", "one/a", "one/a/b"]) {
      const { uid, mode } = statSync(join(caches, path));
      assert.deepEqual([uid, mode & 0o777], [us.uid, 0o700], path);
    }
  });

  it("goes with its pool, and all with the last one", () => {
    mkdirSync(join(caches, "two"));
    removeApplicationCaches(caches, new Set(["two"]));
    assert.deepEqual(readdirSync(caches), ["two"]);
    removeApplicationCaches(caches, new Set());
    assert.ok(!existsSync(caches));
    removeApplicationCaches(caches, new Set());
  });
});
