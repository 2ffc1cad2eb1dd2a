// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { askJson, exchangeBytes } from "../helpers/http-client.ts";
import { configtest, pool, startHttpd, type TestHttpd } from "../helpers/httpd.ts";

/** What the applications of this file answer. */
interface Seen {
  readonly url: string;
  readonly mount?: string;
  readonly prefix: string | null;
}

const listener = `
import { requestFacts } from "tenon";
export default (req, res) => res.end(JSON.stringify({
  url: req.url, mount: requestFacts(req)?.mount, prefix: req.headers["x-forwarded-prefix"] ?? null,
}));
`;

const fetcher = `
import { requestFacts } from "tenon";
export default {
  fetch: (request) => Response.json({
    url: request.url, mount: requestFacts(request)?.mount, prefix: request.headers.get("x-forwarded-prefix"),
  }),
};
`;

const upgrader = `
import { createServer } from "node:http";
import { requestFacts } from "tenon";
createServer().on("upgrade", (req, socket) => {
  const seen = JSON.stringify({ url: req.url, mount: requestFacts(req)?.mount, prefix: null });
  socket.end("HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: text\\r\\n\\r\\n" + seen);
}).listen();
`;

const applications = { listener, fetcher, upgrader };

function writeApplications(folder: string): (name: keyof typeof applications) => string {
  return (name) => {
    const path = join(folder, `${name}.mjs`);
    writeFileSync(path, applications[name]);
    return path;
  };
}

describe("TenonMount", () => {
  let httpd: TestHttpd;

  before(async () => {
    httpd = await startHttpd({
      load: ["alias", "rewrite"],
      text: ({ directory, htdocs }) => {
        const app = writeApplications(directory);
        const one = "TenonProcesses 0 1";
        return `${pool("blog", one, app("listener"))}
${pool("fetched", one, app("fetcher"))}
${pool("upgraded", one, app("upgrader"))}
<Location "/blog">
  TenonMount /blog strip
</Location>
<Location "/fetched">
  TenonMount /fetched strip
</Location>
<Location "/upgraded">
  TenonMount /upgraded strip
</Location>
<Location "/kept">
  SetHandler tenon:blog
  TenonMount /kept
</Location>
<Location "/kept/off">
  TenonMount Off
</Location>
<Location "/a b/ü">
  SetHandler tenon:blog
  TenonMount "/a b/ü" strip
</Location>
<Location "/wide">
  SetHandler tenon:blog
  TenonMount /wide/narrow strip
</Location>
Alias "/aliased" "${htdocs}"
<Directory "${htdocs}">
  TenonFallback blog
  TenonMount /aliased strip
</Directory>
RewriteEngine On
RewriteRule "^/news/(.*)$" "/blog/news/$1?from=news" [PT,QSA]`;
      },
    });
  });
  after(() => httpd.stop());

  /** What an application saw of a target, sent as it stands: a client of node:http would mend some. */
  async function seen(target: string): Promise<Seen> {
    const { text } = await exchangeBytes(
      httpd.places.port,
      `GET ${target} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`,
    );
    const [head = "", body = ""] = text.split("\r\n\r\n", 2);
    assert.match(head, /^HTTP\/1\.1 200 /, text);
    const json = Buffer.from(/\{.*\}/.exec(body)?.[0] ?? "", "latin1");
    return JSON.parse(json.toString()) as Seen;
  }

  const stripped: Record<string, string> = {
    "/blog": "/",
    "/blog/": "/",
    "/blog?a=b": "/?a=b",
    "/blog/?a=%2Fblog": "/?a=%2Fblog",
    "/blog/post/1?a=b&c": "/post/1?a=b&c",
    "/blog/%7Epost%20one": "/%7Epost%20one",
    "/blog/blog/x": "/blog/x",
    "/%62log/x": "/x",
    "/%62%6C%6f%67": "/",
    "//blog/x": "/x",
    "/./blog/x": "/x",
    "/blog//x": "//x",
    "/blog/./x": "/./x",
    "/other/../blog/a%20b?c": "/a%20b?c",
    "/blog/..;/x": "/..;/x",
    "http://a.test/blog/x?y": "http://a.test/x?y",
    "http://a.test/blog": "http://a.test/",
    "http://a.test/blog?y": "http://a.test/?y",
  };
  for (const [target, url] of Object.entries(stripped)) {
    it(`with strip makes ${url} of ${target}`, async () => {
      assert.deepEqual(await seen(target), { url, mount: "/blog", prefix: null });
    });
  }

  it("with strip makes of a rewritten target what it was rewritten to", async () => {
    const { url } = await seen("/news/a%20b?q=1");
    assert.equal(url, "/news/a%20b?from=news&q=1");
  });

  it("decodes as httpd does when the mount has a space or letters beyond ASCII", async () => {
    for (const target of ["/a%20b/%C3%BC/x", "/a%20b/%c3%bc/x", "/%61%20b//%C3%BC/x"]) {
      assert.deepEqual(await seen(target), {
        url: "/x",
        mount: "/a b/ü",
        prefix: null,
      });
    }
  });

  it("without strip leaves the target as it was sent, and still tells the mount", async () => {
    assert.deepEqual(await seen("/kept/%7Ex?y"), {
      url: "/kept/%7Ex?y",
      mount: "/kept",
      prefix: null,
    });
  });

  it("says nothing where it is switched off or not said", async () => {
    assert.deepEqual(await seen("/kept/off/x"), { url: "/kept/off/x", prefix: null });
  });

  it("takes only what is under the mount: /wide/narrower is not", async () => {
    assert.deepEqual(await seen("/wide/narrow/x"), {
      url: "/x",
      mount: "/wide/narrow",
      prefix: null,
    });
    assert.deepEqual(await seen("/wide/narrower"), { url: "/wide/narrower", prefix: null });
  });

  it("works with an Alias and TenonFallback", async () => {
    assert.deepEqual(await seen("/aliased/x?y"), { url: "/x?y", mount: "/aliased", prefix: null });
  });

  it("works with a fetch application", async () => {
    const { url, mount } = await askJson<Seen>(`${httpd.url}/fetched/a/b?c`);
    assert.equal(url, `${httpd.url}/a/b?c`);
    assert.equal(mount, "/fetched");
  });

  it("works with an upgrade", async () => {
    const { text } = await exchangeBytes(
      httpd.places.port,
      "GET /upgraded/socket?x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: text\r\n\r\n",
    );
    assert.match(text, /^HTTP\/1\.1 101 /);
    const body = JSON.parse(text.split("\r\n\r\n").at(-1) ?? "") as Seen;
    assert.deepEqual(body, { url: "/socket?x", mount: "/upgraded", prefix: null });
  });
});

describe("TenonMount at configtest", () => {
  const mistakes: Record<string, RegExp> = {
    "TenonMount blog": /'blog' is not the path of a mount: write one such as \/blog/,
    "TenonMount /": /'\/' is not the path of a mount/,
    "TenonMount /blog/": /'\/blog\/' is not the path of a mount: .* no slash at its end/,
    "TenonMount /a//b": /'\/a\/\/b' is not the path of a mount/,
    "TenonMount /a/../b": /'\/a\/\.\.\/b' is not the path of a mount/,
    "TenonMount /a?b": /'\/a\?b' is not the path of a mount/,
    "TenonMount /blog keep": /'keep' is not known: write strip, or leave it out/,
    "TenonMount off strip": /'off' is not the path of a mount/,
    "TenonMount /other strip":
      /no request of <Location "\/blog\/"> is under '\/other': write a path that the section is for/,
    "TenonMount /blo": /no request of <Location "\/blog\/"> is under '\/blo'/,
  };
  for (const [line, says] of Object.entries(mistakes)) {
    it(`refuses ${line}, with file and line`, async () => {
      const text = `<Location "/blog/">\n${line}\n</Location>`;
      const { code, output, config } = await configtest({ text });
      assert.notEqual(code, 0);
      const message = output.replaceAll(/\s+/g, " ");
      assert.match(message, says);
      assert.ok(message.includes(`on line ${config.split("\n").indexOf(line) + 1} of`), output);
    });
  }

  it("accepts a mount above, at and below its location, and any in another kind of section", async () => {
    const location = (path: string, mount: string): string =>
      `<Location "${path}">\nTenonMount ${mount} strip\n</Location>`;
    const text = [
      location("/a/b", "/a"),
      location("/a/b/", "/a/b"),
      location("/", "/a"),
      location("/a*", "/elsewhere"),
      '<LocationMatch "^/x">\nTenonMount /elsewhere\n</LocationMatch>',
      '<Directory "/srv">\nTenonMount /srv\n</Directory>',
      "TenonMount /everywhere",
    ].join("\n");
    const { code, output } = await configtest({ text });
    assert.equal(code, 0, output);
  });
});
