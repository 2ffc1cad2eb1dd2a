// SPDX-License-Identifier: Apache-2.0
// The contenders of the filters: a static file of 1 MiB through a filter that leaves each byte as it is.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ContenderSpec, type Start, startHttpd, startTenonHttpd } from "./httpd.ts";
import { filtered } from "./scenarios.ts";

const application = fileURLToPath(new URL("apps/hooks.ts", import.meta.url));
const first = { path: filtered.path };

/** Lines, as mod_substitute takes them. */
function documents(folder: string): string {
  const path = join(folder, "filtered");
  if (!existsSync(path)) {
    mkdirSync(path);
    const body = Buffer.alloc(filtered.bytes, `${"tenon ".repeat(12)}\n`);
    writeFileSync(join(path, filtered.path), body);
  }
  return path;
}

function pageText(folder: string, directives: string, server = ""): string {
  const path = documents(folder);
  return `DocumentRoot "${path}"
${server}
<Directory "${path}">
  ${directives}
</Directory>`;
}

function startOwn(load: readonly string[], directives: string, server?: string): Start {
  return ({ folder }) =>
    startHttpd({ load, text: pageText(folder, directives, server) }, undefined, first);
}

function startTenonFilter(name: string): Start {
  return ({ folder }) => {
    const text = pageText(folder, `TenonHook output_filter bench#${name}`);
    return startTenonHttpd({ application, processes: 1 }, text, first);
  };
}

export type FilterName =
  | "filter-none"
  | "filter-tenon"
  | "filter-tenon-head"
  | "filter-ext"
  | "filter-substitute";

export const filters: Readonly<Record<FilterName, ContenderSpec>> = {
  "filter-none": { text: "httpd's own static file of 1 MiB, no filter", start: startOwn([], "") },
  "filter-tenon": {
    text: "the same through a filter of Tenon, one worker",
    start: startTenonFilter("filterIdentity"),
  },
  "filter-tenon-head": {
    text: "the same behind a filter of Tenon that sets a header",
    start: startTenonFilter("filterHead"),
  },
  "filter-ext": {
    text: "the same through mod_ext_filter and cat",
    start: startOwn(["ext_filter"], "SetOutputFilter cat", "ExtFilterDefine cat cmd=/bin/cat"),
  },
  "filter-substitute": {
    text: "the same through mod_substitute, in C inside httpd",
    start: startOwn(
      ["substitute", "filter"],
      'SetOutputFilter SUBSTITUTE\n  Substitute "s/never there/x/n"',
    ),
  },
};
