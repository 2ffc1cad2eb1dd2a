// SPDX-License-Identifier: Apache-2.0
// The command line of the benchmark.
import { parseArgs } from "node:util";
import { type ContenderName, contenders } from "./contenders.ts";
import { type ScenarioName, scenarios } from "./scenarios.ts";

export interface Options {
  readonly json: string | undefined;
  readonly seconds: number;
  readonly rounds: number;
  readonly scenarios: readonly ScenarioName[];
  readonly contenders: readonly ContenderName[];
  /** Whether first hits are measured too. */
  readonly firstHit: boolean;
  readonly hold: ContenderName | undefined;
  readonly strict: boolean;
  readonly help: boolean;
}

const scenarioNames = Object.keys(scenarios) as ScenarioName[];
/** A scenario without load: it has contenders of its own (first-hit.ts). */
const firstHit = "first-hit";
const contenderNames = Object.keys(contenders) as ContenderName[];

/** The text of --help. */
export function helpText(): string {
  const list = (table: Record<string, { text: string }>): string =>
    Object.entries(table)
      .map(([name, { text }]) => `  ${name.padEnd(16)}${text}`)
      .join("\n");
  return `Usage: npm run bench -- [options]

Starts every contender itself on loopback, measures them in turns, prints figures and ratios.

  --json FILE          also write rows {name, value, unit, limit}
  --duration SECONDS   length of one measurement (whole seconds, default 2)
  --rounds N           measurements of each contender in each scenario (default 5)
  --only NAMES         only these scenarios, separated by commas
  --contenders NAMES   only these contenders, separated by commas
  --strict             exit with 1 when a limit is missed, too (an error always does)
  --hold NAME          start one contender, print where it listens and wait for Ctrl-C
  --help               this text

Scenarios:
${list(scenarios)}
  ${firstHit.padEnd(16)}first request to a pool of zero workers

Contenders:
${list(contenders)}
`;
}

/** A number of an option. @throws when it is none, or 0 */
export function wholeNumber(option: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${option} must be a whole number, not ${text}`);
  return Number(text);
}

/** The names in an option, separated by commas. @throws when one is not known */
export function names<T extends string>(option: string, text: string, known: readonly T[]): T[] {
  return text.split(",").map((each) => {
    const name = known.find((candidate) => candidate === each.trim());
    if (name === undefined) {
      throw new Error(`--${option}: no ${each}; there are ${known.join(", ")}`);
    }
    return name;
  });
}

/** Reads the command line. @throws with what was expected when an option is wrong */
export function parseOptions(parameters: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...parameters],
    options: {
      json: { type: "string" },
      duration: { type: "string", default: "2" },
      rounds: { type: "string", default: "5" },
      only: { type: "string", default: [...scenarioNames, firstHit].join(",") },
      contenders: { type: "string", default: contenderNames.join(",") },
      hold: { type: "string" },
      strict: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const only = names("only", values.only, [...scenarioNames, firstHit]);
  return {
    json: values.json,
    seconds: wholeNumber("duration", values.duration),
    rounds: wholeNumber("rounds", values.rounds),
    scenarios: only.filter((name) => name !== firstHit),
    firstHit: only.includes(firstHit),
    contenders: names("contenders", values.contenders, contenderNames),
    hold: values.hold === undefined ? undefined : names("hold", values.hold, contenderNames)[0],
    strict: values.strict,
    help: values.help,
  };
}
