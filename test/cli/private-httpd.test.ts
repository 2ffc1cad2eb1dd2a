// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { formatHttpdConfig } from "../../ts/cli/httpd-config.ts";
import { checkConfig, freePort, PrivateHttpd } from "../../ts/cli/private-httpd.ts";
import { ask } from "../helpers/http-client.ts";
import { processesIn } from "../helpers/processes.ts";

describe("cli/private-httpd", () => {
  it("serves a file from its own folder, and leaves nothing behind", async () => {
    const httpd = await PrivateHttpd.start({
      text: ({ htdocs }) => {
        writeFileSync(join(htdocs, "hello.txt"), "hello\n");
        return "";
      },
    });
    const { directory } = httpd.places;
    assert.equal((await ask(`${httpd.url}/hello.txt`)).text, "hello\n");
    assert.deepEqual(checkConfig(httpd.configPath), { code: 0, output: "Syntax OK\n" });
    await httpd.graceful();
    await httpd.restart();
    assert.equal((await ask(`${httpd.url}/hello.txt`)).text, "hello\n");
    assert.ok(httpd.running);
    assert.deepEqual(await httpd.stop(), { code: 0, signal: null });
    assert.ok(!httpd.running);
    assert.ok(!existsSync(directory));
    assert.deepEqual(processesIn(directory), []);
  });

  it("says what httpd said when it does not start", async () => {
    await assert.rejects(PrivateHttpd.start({ text: "NoSuchDirective on" }), {
      code: "TENON_ERR_HTTPD_START",
      message: /Invalid command 'NoSuchDirective'/,
    });
  });

  it("tells that httpd has gone while a reload is waited for", async () => {
    const httpd = await PrivateHttpd.start({});
    try {
      const reloaded = assert.rejects(httpd.serving(httpd.log.mark()), {
        code: "TENON_ERR_HTTPD_EXITED",
        message: /code 0/,
      });
      await httpd.end();
      await reloaded;
    } finally {
      await httpd.stop();
    }
  });

  it("finds a port that can be listened on", async () => {
    const port = await freePort();
    const server = createServer().listen(port, "127.0.0.1");
    await once(server, "listening");
    server.close();
  });
});

describe("cli/httpd-config", () => {
  const config = {
    directory: "/d",
    modules: "/m",
    mpm: "event",
    port: 1234,
    load: ["dir"],
    text: "# the end",
  } as const;

  it("loads what it is asked for and listens on loopback only", () => {
    const lines = formatHttpdConfig(config).split("\n");
    assert.ok(lines.includes('LoadModule mpm_event_module "/m/mod_mpm_event.so"'));
    assert.ok(lines.includes('LoadModule dir_module "/m/mod_dir.so"'));
    assert.deepEqual(
      lines.filter((line) => line.startsWith("Listen")),
      ["Listen 127.0.0.1:1234"],
    );
    assert.ok(!lines.some((line) => /^(User|Group|Tenon|SSL)/.test(line)));
    assert.equal(lines.at(-2), "# the end");
  });

  it("names users, TLS and Tenon's places only where they are given", () => {
    const tenon = { module: "/t.so", node: "/node", package: "/p" };
    const text = formatHttpdConfig({ ...config, tlsPort: 99, user: "u", group: "g", tenon });
    assert.match(text, /^User u$/m);
    assert.match(text, /^Group g$/m);
    assert.match(text, /^Listen 127\.0\.0\.1:99$/m);
    assert.match(text, /^TenonRuntimeDir "\/d\/run\/tenon"$/m);
  });
});
