// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { FileWatch, stampOf, type WatchTrouble } from "../ts/file-watch.ts";
import { native } from "../ts/native.ts";
import { Sources } from "./helpers/sources.ts";

describe("file-watch", () => {
  let sources: Sources;
  let watch: FileWatch;
  let troubles: WatchTrouble[];

  beforeEach(() => {
    sources = new Sources({ "app.ts": "1", "lib/a.ts": "1", "other.txt": "1" });
    troubles = [];
    watch = new FileWatch((trouble) => troubles.push(trouble));
  });

  afterEach(() => {
    watch.close();
    sources.remove();
  });

  const ways: Record<string, (path: string) => void> = {
    "written in place": () => sources.write("app.ts", "2"),
    "appended to": (path) => appendFileSync(path, "2"),
    "replaced by rename": () => sources.replace("app.ts", "2"),
    deleted: (path) => rmSync(path),
    "moved away": (path) => renameSync(path, `${path}.old`),
  };
  for (const [name, change] of Object.entries(ways)) {
    it(`knows of a file that was ${name} as soon as that is done`, () => {
      const path = sources.path("app.ts");
      watch.add(path);
      assert.equal(watch.changed(), undefined);
      change(path);
      assert.deepEqual(watch.changed(), [path]);
      assert.equal(watch.changed(), undefined);
    });
  }

  it("knows of a file that was not there, and of one below directories that were not there", () => {
    watch.add(sources.path(".env"));
    watch.add(sources.path("new/deep/file.ts"));
    sources.write(".env", "A=1");
    assert.deepEqual(watch.changed(), [sources.path(".env")]);
    sources.write("new/deep/file.ts", "1");
    assert.deepEqual(watch.changed(), [sources.path("new")]);
  });

  it("passes over other files, times, modes and links of its own", () => {
    const path = sources.path("app.ts");
    watch.add(path);
    sources.write("other.txt", "2");
    utimesSync(path, 0, 0);
    chmodSync(path, 0o600);
    linkSync(path, sources.path("hard"));
    assert.equal(watch.changed(), undefined);
  });

  it("knows of directories that take another's place, and of links that lead elsewhere", () => {
    mkdirSync(sources.path("next"));
    symlinkSync("lib", sources.path("current"));
    watch.add(sources.path("current/a.ts"));
    symlinkSync("next", sources.path("link"));
    renameSync(sources.path("link"), sources.path("current"));
    assert.deepEqual(watch.changed(), [sources.path("current")]);
    renameSync(sources.path("lib"), sources.path("old"));
    assert.deepEqual(watch.changed(), [sources.path("lib")]);
  });

  it("follows links in a circle to no end", () => {
    symlinkSync("two", sources.path("one"));
    symlinkSync("one", sources.path("two"));
    watch.add(sources.path("one/app.ts"));
    assert.equal(watch.changed(), undefined);
  });

  it("watches all of a directory but hidden files, backups and packages", () => {
    for (const name of [".git/x", "node_modules/p/i.js"]) sources.write(`lib/${name}`, "1");
    watch.addTree(sources.path("lib"));
    sources.write("lib/.git/x", "2");
    sources.write("lib/node_modules/p/i.js", "2");
    sources.write("lib/a.ts~", "2");
    assert.equal(watch.changed(), undefined);
    sources.write("lib/a.ts", "2");
    sources.write("lib/new.ts", "2");
    assert.deepEqual(watch.changed(), [sources.path("lib/a.ts"), sources.path("lib/new.ts")]);
  });

  it("compares what the system does not watch, and says so once", function () {
    if (process.getuid?.() !== 0) this.skip();
    chmodSync(sources.folder, 0o711);
    const identity = { uid: 65_534, gid: 65_534, groups: [] };
    const asUser = <T>(callback: () => T): T => native().withFileAccess(identity, callback);
    asUser(() => {
      watch.add(sources.path("app.ts"));
      watch.add(sources.path("other.txt"));
    });
    assert.equal(watch.compares, true);
    assert.deepEqual(
      troubles.map(({ usual }) => usual),
      [true],
    );
    assert.match(troubles[0]?.text ?? "", /cannot be watched \(EACCES\)/);
    assert.equal(
      asUser(() => watch.changed()),
      undefined,
    );
    sources.replace("app.ts", "2");
    assert.deepEqual(
      asUser(() => watch.changed()),
      [sources.path("app.ts")],
    );
    assert.equal(
      asUser(() => watch.changed()),
      undefined,
    );
  });

  it("tells a file from the one that was there by its stamp", () => {
    const path = sources.path("app.ts");
    const stamp = stampOf(path);
    assert.equal(stampOf(path), stamp);
    sources.replace("app.ts", "1");
    assert.notEqual(stampOf(path), stamp);
    assert.equal(stampOf(sources.path("missing")), "");
  });
});

describe("native/file-access", () => {
  it("has another user's rights for the time of the call only, whatever comes of it", function () {
    if (process.getuid?.() !== 0) this.skip();
    const sources = new Sources({ "secret.txt": "1" });
    chmodSync(sources.folder, 0o700);
    const identity = { uid: 65_534, gid: 65_534, groups: [] };
    const path = sources.path("secret.txt");
    try {
      assert.equal(
        native().withFileAccess(identity, () => stampOf(path)),
        "",
      );
      assert.notEqual(stampOf(path), "");
      const groups = process.getgroups?.();
      assert.throws(
        () =>
          native().withFileAccess(identity, () => {
            throw new Error("thrown");
          }),
        { message: "thrown" },
      );
      assert.notEqual(stampOf(path), "");
      assert.deepEqual(process.getgroups?.(), groups);
      // A process that is started meanwhile has our own rights.
      const { stdout } = native().withFileAccess(identity, () =>
        spawnSync("id", ["-u"], { encoding: "utf8" }),
      );
      assert.equal(stdout, "0\n");
    } finally {
      sources.remove();
    }
  });
});
