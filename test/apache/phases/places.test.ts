// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { ask, askJson } from "../../helpers/http-client.ts";
import { hooksPool, modules, PhasesHttpd, putFiles } from "./httpd.ts";

describe("hooks beside each other and beside httpd's modules", () => {
  let httpd: PhasesHttpd;

  before(async () => {
    httpd = await PhasesHttpd.start({
      load: [...modules, "setenvif", "headers"],
      text: ({ htdocs }) => {
        putFiles(htdocs, {
          "ordered/file.txt": "a file",
          "ordered/inner/file.txt": "a file",
          "first/file.txt": "a file",
          "when/file.txt": "a file",
          "env/file.txt": "a file",
          "none/file.txt": "a file",
        });
        return `${hooksPool("rec")}
TypesConfig /dev/null
<Location "/ordered">
  TenonHook fixups rec#fixups order=late
  TenonHook fixups rec#typeChecker
  TenonHook fixups rec#accessChecker order=early
  TenonHook fixups rec#headerParser order=early
</Location>
<Location "/ordered/inner">
  TenonHook fixups rec#authChecker order=early
</Location>
<Location "/first">
  TenonHook type_checker rec#fixups
  TenonHook type_checker rec#typeChecker
</Location>
<Location "/when">
  TenonHook access_checker rec when="%{REQUEST_METHOD} == 'POST'"
</Location>
<Location "/env">
  SetEnvIf X-Asked . SET=value
  TenonHook header_parser rec#headerParser order=early
  TenonHook header_parser rec#accessChecker order=late
</Location>
<Location "/none">
  TenonHook fixups none
</Location>`;
      },
    });
  });
  after(() => httpd.httpd.stop());

  const called = async (path: string, options = {}): Promise<string[]> => {
    const lines = await httpd.called(() => ask(httpd.url + path, options));
    return lines.map((line) => line.split(" ")[0] ?? "");
  };

  it("are asked in the order early, middle, late, and as they stand in the configuration", async () => {
    const order = ["access_checker", "header_parser", "type_checker", "fixups"];
    assert.deepEqual(await called("/ordered/file.txt"), order);
    order.splice(2, 0, "auth_checker");
    assert.deepEqual(await called("/ordered/inner/file.txt"), order);
  });

  it("are asked up to the first that ends the request, where all are asked", async () => {
    assert.deepEqual(await called("/ordered/file.txt?header_parser=status:403"), [
      "access_checker",
      "header_parser",
    ]);
  });

  it("are asked up to the first that does not decline, where the first counts", async () => {
    assert.deepEqual(await called("/first/file.txt"), ["fixups", "type_checker"]);
    assert.deepEqual(await called("/first/file.txt?fixups=status:0"), ["fixups"]);
  });

  it("are not asked when their when= is false", async () => {
    assert.deepEqual(await called("/when/file.txt"), []);
    assert.deepEqual(await called("/when/file.txt", { method: "POST" }), ["access_checker"]);
  });

  it("see what httpd's modules did before them, and not what they do after", async () => {
    const headers = { "X-Asked": "yes" };
    for (const [phase, seen] of [
      ["header_parser", undefined],
      ["access_checker", "value"],
    ] as const) {
      const answer = await ask(`${httpd.url}/env/file.txt?${phase}=view`, { headers });
      assert.equal((JSON.parse(answer.text) as { env?: string }).env, seen);
    }
  });

  it("costs a request nothing where none is configured", async () => {
    assert.deepEqual(await called("/none/file.txt"), []);
    await assert.rejects(askJson(`${httpd.url}/none/nothing.json`), /404/);
  });
});
