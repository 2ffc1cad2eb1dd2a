// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { join } from "node:path";
import { compile, root, warnings, withFolder } from "../../wire/build-c.ts";

/** Texts around the borders of a block (64 bytes), each of other bytes. */
const texts: readonly Buffer[] = [
  0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 5000,
].map((size) => Buffer.from(Array.from({ length: size }, (_, index) => (index * 7 + size) & 0xff)));

describe("apache/decisions/sha256.c", () => {
  it("has the digests and codes of node:crypto, for secrets below and above a block", () => {
    withFolder((folder) => {
      const program = join(folder, "sealed");
      const sources = ["test/apache/auth/sealed.c", "apache/decisions/sha256.c"];
      const flags = ["-std=c11", ...warnings, "-g", "-fsanitize=address,undefined"];
      const paths = sources.map((source) => `${root}${source}`);
      compile("gcc", [...flags, `-I${root}apache`, ...paths, "-o", program]);
      for (const secret of ["k", "s".repeat(64), "l".repeat(65), "l".repeat(200)]) {
        const input = `${texts.map((text) => text.toString("hex")).join("\n")}\n`;
        const { stdout } = spawnSync(program, [secret], { input, encoding: "utf8" });
        const expected = texts.flatMap((text) => [
          `sha256 ${createHash("sha256").update(text).digest("hex")}`,
          `hmac ${createHmac("sha256", secret).update(text).digest("hex")}`,
        ]);
        assert.deepEqual(stdout.trimEnd().split("\n"), expected);
      }
    });
  });
});
