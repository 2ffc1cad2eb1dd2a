// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { compile, root, warnings, wireFiles } from "./build-c.ts";

const ours = wireFiles(".h").map((file) => `"${basename(file)}"`);
const allowed = new Set([...ours, "<stddef.h>", "<stdint.h>", "<string.h>"]);

describe("native/wire", () => {
  for (const file of [...wireFiles(".h"), ...wireFiles(".c")]) {
    it(`${basename(file)} includes the codec's own headers and three of libc at most`, () => {
      const text = readFileSync(file, "utf8");
      const included = [...text.matchAll(/^\s*#\s*include\s+(\S+)/gm)].map((match) => match[1]);
      assert.deepEqual(
        included.filter((name) => !allowed.has(name ?? "")),
        [],
      );
    });
  }

  for (const compiler of ["gcc", "clang"]) {
    it(`compiles as C11 without a warning (${compiler})`, () => {
      const flags = ["-std=c11", ...warnings, "-O2", "-fsyntax-only"];
      compile(compiler, [...flags, ...wireFiles(".c")]);
    }).timeout(60_000);
  }

  it("has headers that are valid C++17", () => {
    const flags = ["-std=c++17", ...warnings, "-fsyntax-only", "-x", "c++"];
    compile("g++", [...flags, ...wireFiles(".h")]);
  }).timeout(60_000);

  it("calls nothing that allocates, does I/O or keeps time", () => {
    const calls = /\b(malloc|calloc|realloc|free|printf|fopen|read|write|time|clock_gettime)\s*\(/;
    for (const file of wireFiles(".c"))
      assert.doesNotMatch(readFileSync(file, "utf8"), calls, file.slice(root.length));
  });
});
