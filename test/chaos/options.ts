// SPDX-License-Identifier: Apache-2.0
// The command lines of npm run chaos and npm run soak.
import { parseArgs } from "node:util";
import { names, wholeNumber } from "../../bench/options.ts";
import type { Mpm } from "../../ts/cli/httpd-config.ts";
import { comparedFaults } from "./compare/compare.ts";
import { scenarios } from "./scenarios.ts";

const scenarioNames = [...scenarios.keys()];
const mpms: readonly Mpm[] = ["event", "worker", "prefork"];

export interface ChaosOptions {
  readonly scenarios: readonly string[];
  readonly mpms: readonly Mpm[];
  readonly seed: number;
  readonly json: string | undefined;
  /** Whether Tenon is compared with others instead. */
  readonly compare: boolean;
  /** What is done to them then. */
  readonly faults: readonly string[];
  readonly help: boolean;
}

/** The text of --help of npm run chaos. */
export function chaosHelp(): string {
  const list = [...scenarios].map(([name, { text }]) => `  ${name.padEnd(22)}${text}`);
  return `Usage: npm run chaos -- [options]

Does one fault after the other to a real httpd under load, checks every byte of every answer, and prints what came of it. Exit status 1
when a limit is missed.

  --only NAMES   only these scenarios, separated by commas
  --mpm NAMES    only these MPMs of httpd: ${mpms.join(", ")} (default event)
  --seed N       choices to repeat (default: another one each time, which is printed)
  --json FILE    also write rows {name, value, unit, limit}
  --compare      do five faults to Tenon, Passenger, mod_wsgi's daemon mode and mod_proxy_http instead
  --faults NAMES only these of them, separated by commas: ${comparedFaults.join(", ")}
  --help         this text

Scenarios:
${list.join("\n")}
`;
}

/** Reads the command line of npm run chaos. @throws with what was expected when an option is wrong */
export function parseChaosOptions(parameters: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...parameters],
    options: {
      only: { type: "string", default: scenarioNames.join(",") },
      mpm: { type: "string", default: "event" },
      seed: { type: "string" },
      json: { type: "string" },
      faults: { type: "string", default: comparedFaults.join(",") },
      compare: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  return {
    compare: values.compare,
    faults: names("faults", values.faults, comparedFaults),
    scenarios: names("only", values.only, scenarioNames),
    mpms: names("mpm", values.mpm, mpms),
    seed: values.seed === undefined ? newSeed() : wholeNumber("seed", values.seed),
    json: values.json,
    help: values.help,
  };
}

export interface SoakCommand {
  readonly minutes: number;
  readonly mpm: Mpm;
  readonly seed: number;
  readonly json: string | undefined;
  readonly help: boolean;
}

/** The text of --help of npm run soak. */
export const soakHelp: string = `Usage: npm run soak -- [options]

Does faults in an order that a seed decides to one httpd under load, and looks at the end whether anything has leaked: processes,
descriptors, sockets, shared memory, files, memory. Ctrl-C ends it early and in order.

  --minutes N    how long (default 10)
  --mpm NAME     ${mpms.join(", ")} (default event)
  --seed N       order to repeat (default: another one each time, which is printed)
  --json FILE    also write rows {name, value, unit, limit}
  --help         this text
`;

/** Reads the command line of npm run soak. @throws with what was expected when an option is wrong */
export function parseSoakOptions(parameters: readonly string[]): SoakCommand {
  const { values } = parseArgs({
    args: [...parameters],
    options: {
      minutes: { type: "string", default: "10" },
      mpm: { type: "string", default: "event" },
      seed: { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const [mpm = "event"] = names("mpm", values.mpm, mpms);
  return {
    minutes: wholeNumber("minutes", values.minutes),
    mpm,
    seed: values.seed === undefined ? newSeed() : wholeNumber("seed", values.seed),
    json: values.json,
    help: values.help,
  };
}

function newSeed(): number {
  return (Date.now() % 1_000_000) + 1;
}
