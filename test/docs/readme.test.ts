// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import {
  accessSync,
  constants,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { configtest, root } from "../helpers/httpd.ts";

const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "docs/architecture.md",
  "docs/apache.md",
  "docs/compatibility.md",
  "docs/applications.md",
  "docs/authentication.md",
  "docs/errors.md",
];

function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** The text of the first block of a language. */
function block(page: string, language: string): string {
  return new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "ms").exec(page)?.[1] ?? "";
}

describe("README.md and its neighbours", () => {
  it("show the application of examples/hello", () => {
    assert.ok(read("examples/hello/app.ts").endsWith(block(read("README.md"), "ts")));
  });

  it("show a configuration that httpd accepts", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tenon-readme-"));
    try {
      const app = join(folder, "app.ts");
      writeFileSync(app, block(read("README.md"), "ts"));
      const shown = block(read("README.md"), "apache").split("\n");
      assert.ok(shown.length > 8);
      // The module, node and package of this checkout are there already; the paths are examples.
      const text = shown
        .filter((line) => !/^(LoadModule|TenonNode|TenonPackage)/.test(line))
        .filter((line) => process.getuid?.() === 0 || !line.includes("TenonUser"))
        .join("\n")
        .replace("/srv/hello/app.ts", app);
      const { code, output } = await configtest({ text });
      assert.equal(code, 0, output);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("name commands that are there", () => {
    for (const name of ["setup", "start", "test"]) {
      accessSync(join(root, "scripts", name), constants.X_OK);
    }
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    for (const page of pages) {
      for (const [, name = ""] of read(page).matchAll(/npm (?:run )?(start|test|(?<=run )\w+)/g)) {
        assert.ok(scripts[name] !== undefined, `${page}: npm run ${name}`);
      }
    }
  });

  for (const page of pages) {
    it(`${page} links to what is there`, () => {
      for (const [, target = ""] of read(page).matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
        assert.ok(existsSync(join(root, dirname(page), target)), target);
      }
    });
  }

  it("CONTRIBUTING.md has at most 100 lines", () => {
    assert.ok(read("CONTRIBUTING.md").trimEnd().split("\n").length <= 100);
  });
});
