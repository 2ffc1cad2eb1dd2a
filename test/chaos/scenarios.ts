// SPDX-License-Identifier: Apache-2.0
// Every scenario, by name.
import type { Scenario } from "./scenario.ts";
import { crashes } from "./scenarios/crashes.ts";
import { httpds } from "./scenarios/httpd.ts";
import { memories } from "./scenarios/memory.ts";
import { overloads } from "./scenarios/overload.ts";
import { recycles } from "./scenarios/recycle.ts";
import { reloads } from "./scenarios/reload.ts";
import { stalls } from "./scenarios/stalls.ts";
import { starts } from "./scenarios/starts.ts";
import { supervisors } from "./scenarios/supervisor.ts";

export const scenarios: ReadonlyMap<string, Scenario> = new Map(
  [crashes, stalls, memories, starts, overloads, supervisors, recycles, reloads, httpds].flatMap(
    (table) => Object.entries(table),
  ),
);
