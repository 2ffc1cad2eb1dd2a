// SPDX-License-Identifier: Apache-2.0
// Code that is saved while it serves (TenonReload).
import assert from "node:assert/strict";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HttpdPlaces } from "../../../ts/cli/private-httpd.ts";
import type { Scenario } from "../scenario.ts";
import { application, type Site } from "../site.ts";

/** As DESIGN and docs/reliability.md have it. */
const TIMES = 100;

const pathOf = ({ htdocs }: HttpdPlaces): string => join(htdocs, "application.ts");

/** Saves a file as editors and deployments do: whole or not at all. */
function save(places: HttpdPlaces, text: string): string {
  const path = pathOf(places);
  writeFileSync(`${path}~`, text);
  renameSync(`${path}~`, path);
  return path;
}

function version(places: HttpdPlaces, number: number): string {
  return save(
    places,
    `import listener from ${JSON.stringify(application)};
export default (request, response) => {
  response.setHeader("X-Version", "${number}");
  listener(request, response);
};
`,
  );
}

async function served(site: Site): Promise<number> {
  const answer = await site.attackFor(200, `get?id=version-${site.random.next()}`);
  return Number(answer.headers["x-version"]);
}

function reloading(mode: "strict" | "graceful", fault: Scenario["fault"], text: string): Scenario {
  return {
    text,
    pool: `TenonProcesses 1 1\nTenonReload ${mode}`,
    application: (places) => version(places, 0),
    connections: 8,
    expects: [],
    fault,
    limits: { recoveryMs: 10_000 },
  };
}

/** Every request that is sent behind the save is served by what was saved. */
async function saveStrictly(site: Site): Promise<void> {
  let old = 0;
  for (let number = 1; number <= TIMES; number++) {
    version(site.httpd.places, number);
    if ((await served(site)) !== number) old += 1;
  }
  site.figure("old-answers", old, "answers", 0);
}

/** Nothing is dropped, and who has seen the new code does not see the old again. */
async function saveGracefully(site: Site): Promise<void> {
  let old = 0;
  for (let number = 1; number <= TIMES; number++) {
    version(site.httpd.places, number);
    await site.until(`version ${number}`, async () => (await served(site)) === number);
    if ((await served(site)) < number) old += 1;
  }
  site.figure("old-answers", old, "answers", 0);
}

async function saveBroken(site: Site, turn: number): Promise<void> {
  const since = site.httpd.log().mark();
  save(site.httpd.places, "export default function (\n");
  await site.httpd.waitForLog(/TN0262: \[attacked/, { since });
  assert.equal(await served(site), turn);
  version(site.httpd.places, turn + 1);
  await site.until("the mended code", async () => (await served(site)) === turn + 1);
}

export const reloads: Readonly<Record<string, Scenario>> = {
  "reload-strict": reloading("strict", saveStrictly, `${TIMES} saves, TenonReload strict`),
  "reload-graceful": reloading("graceful", saveGracefully, `${TIMES} saves, TenonReload graceful`),
  "reload-broken": {
    ...reloading("graceful", saveBroken, "code that does not start is saved, then mended"),
    expects: ["TN0212", "TN0213", "TN0262"],
    turns: 3,
  },
};
