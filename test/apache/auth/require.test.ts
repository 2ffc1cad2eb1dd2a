// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ask } from "../../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../../helpers/httpd.ts";
import { type Mistake, refuses } from "../../helpers/mistakes.ts";

const accounts = join(root, "test", "applications", "accounts.ts");

/** What a client gets: without a user, as alice (staff, admins), as bob (staff). */
interface Case {
  readonly title: string;
  readonly lines: string;
  readonly nobody: number;
  readonly alice: number;
  readonly bob: number;
}

const groups = "Require tenon accounts#inGroup";
const says = (what: string): string => `Require tenon accounts#says ${what}`;

const cases: readonly Case[] = [
  { title: "a group", lines: `${groups} admins`, nobody: 401, alice: 200, bob: 403 },
  {
    title: "one of two groups",
    lines: `${groups} admins staff`,
    nobody: 401,
    alice: 200,
    bob: 200,
  },
  {
    title: "a group in quotes",
    lines: `${groups} "no such group"`,
    nobody: 401,
    alice: 403,
    bob: 403,
  },
  {
    title: "an argument with an expression",
    lines: `${groups} "%{env:GROUP}"\nSetEnv GROUP nothing\nSetEnvIf Request_Method GET GROUP=admins`,
    nobody: 401,
    alice: 200,
    bob: 403,
  },
  { title: "true for everybody", lines: says("true"), nobody: 200, alice: 200, bob: 200 },
  { title: "GRANTED", lines: says("GRANTED"), nobody: 200, alice: 200, bob: 200 },
  {
    title: "DENIED, with no password asked for",
    lines: says("DENIED"),
    nobody: 403,
    alice: 403,
    bob: 403,
  },
  { title: "DENIED_NO_USER", lines: says("DENIED_NO_USER"), nobody: 401, alice: 401, bob: 401 },
  { title: "NEUTRAL alone", lines: says("NEUTRAL"), nobody: 403, alice: 403, bob: 403 },
  {
    title: "NEUTRAL beside another",
    lines: `${says("NEUTRAL")}\nRequire user alice`,
    nobody: 401,
    alice: 200,
    bob: 403,
  },
  { title: "GENERAL_ERROR", lines: says("GENERAL_ERROR"), nobody: 500, alice: 500, bob: 500 },
  {
    title: "all of two",
    lines: `<RequireAll>\n${groups} staff\n${groups} admins\n</RequireAll>`,
    nobody: 401,
    alice: 200,
    bob: 403,
  },
  {
    title: "any of two",
    lines: `<RequireAny>\n${groups} admins\nRequire user bob\n</RequireAny>`,
    nobody: 401,
    alice: 200,
    bob: 200,
  },
  {
    title: "none of one",
    lines: `<RequireAll>\nRequire valid-user\n<RequireNone>\n${groups} admins\n</RequireNone>\n</RequireAll>`,
    nobody: 401,
    alice: 403,
    bob: 200,
  },
  {
    title: "not",
    lines: `<RequireAll>\nRequire valid-user\nRequire not tenon accounts#inGroup admins\n</RequireAll>`,
    nobody: 401,
    alice: 403,
    bob: 200,
  },
  {
    title: "an address or a group",
    lines: `<RequireAny>\nRequire ip 127.0.0.1\n${groups} admins\n</RequireAny>`,
    nobody: 200,
    alice: 200,
    bob: 200,
  },
  {
    title: "another address or a group",
    lines: `<RequireAny>\nRequire ip 192.0.2.1\n${groups} admins\n</RequireAny>`,
    nobody: 401,
    alice: 200,
    bob: 403,
  },
];

describe("Require tenon", () => {
  let httpd: TestHttpd;

  before(async () => {
    httpd = await startHttpd({
      load: [
        ...["auth_basic", "authn_core", "authz_user", "authz_host", "env", "setenvif"],
        "socache_shmcb",
      ],
      text: ({ htdocs }) => {
        const sections = cases.map(({ lines }, index) => {
          writeFileSync(join(makeFolder(htdocs), String(index)), "entered");
          return section(`/${index}`, lines);
        });
        for (const [name, allowed] of [
          ["allowed", "TenonAllowOverride accounts"],
          ["forbidden", "TenonAllowOverride other"],
        ] as const) {
          const folder = makeFolder(join(htdocs, name));
          writeFileSync(join(folder, "page"), "entered");
          writeFileSync(join(folder, ".htaccess"), `${says("GRANTED")}\n`);
          sections.push(
            `<Directory "${folder}">\nAllowOverride AuthConfig\n${allowed}\n</Directory>`,
          );
        }
        writeFileSync(join(makeFolder(htdocs), "hung"), "entered");
        writeFileSync(join(makeFolder(htdocs), "broken"), "entered");
        sections.push(section("/hung", `${groups} staff`), section("/broken", `${groups} staff`));
        return [
          pool("accounts", "TenonProcesses 1 1", accounts),
          pool("other", "TenonProcesses 0 1", accounts),
          ...sections,
        ].join("\n");
      },
    });
    await httpd.waitForReady("accounts", 1);
    // 403s of mod_authz_core.
    httpd.expectLog("AH01630", "AH01631", "AH01629");
  });
  after(() => httpd.stop());

  const get = async (path: string, user?: string, password = ""): Promise<number> => {
    const value = Buffer.from(`${user}:${password}`).toString("base64");
    const headers = user === undefined ? {} : { Authorization: `Basic ${value}` };
    const answer = await ask(`${httpd.url}${path}`, { headers });
    assert.equal(answer.text.includes("entered"), answer.status === 200, answer.text);
    return answer.status;
  };

  for (const [index, { title, nobody, alice, bob }] of cases.entries()) {
    it(`knows ${title}`, async () => {
      const got = [
        await get(`/${index}`),
        await get(`/${index}`, "alice", "wonder"),
        await get(`/${index}`, "bob", "build"),
      ];
      assert.deepEqual(got, [nobody, alice, bob]);
    });
  }

  it("answers 500 when the function throws", async () => {
    httpd.expectLog("TN0006", "TN0007", "AH01617", "AH01618");
    assert.equal(await get("/broken", "thrower", "x"), 500);
  });

  it("stands in an .htaccess where TenonAllowOverride names the pool, else it is 500", async () => {
    httpd.expectLog("TN0097");
    assert.equal(await get("/allowed/page"), 200);
    const mark = httpd.log().mark();
    assert.equal(await get("/forbidden/page"), 500);
    await httpd.waitForLog(/TN0097: line 1 of .*\.htaccess: .*'accounts'/, { since: mark });
  });

  function section(path: string, lines: string): string {
    return `<Location "${path}">
  AuthType Basic
  AuthzSendForbiddenOnFailure On
  AuthName test
  AuthBasicProvider tenon
  TenonHook check_password accounts
  ${lines}
</Location>`;
  }

  function makeFolder(path: string): string {
    mkdirSync(path, { recursive: true });
    return path;
  }
});

function mistake(title: string, line: string, says: RegExp): Mistake {
  const text = `${pool("accounts", "", accounts)}<Location "/x">\n${line}\n</Location>`;
  return { title, text, line, says };
}

refuses([
  mistake(
    "a requirement of an unknown pool",
    "Require tenon nobody#f",
    /there is no pool 'nobody'/,
  ),
  mistake(
    "a requirement of no function",
    "Require tenon",
    /write Require tenon <pool>\[#<export>\]/,
  ),
  mistake(
    "an export that is no name",
    "Require tenon accounts#1",
    /'1' is not the name of an export/,
  ),
  mistake(
    "an argument that is no expression",
    'Require tenon accounts "%{env:"',
    /the argument '%\{env:' is not/,
  ),
]);
