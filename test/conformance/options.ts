// SPDX-License-Identifier: Apache-2.0
// The command line of npm run conformance.
import { parseArgs } from "node:util";
import { type HostName, hostNames, hosts } from "./hosts.ts";

export interface Options {
  readonly hosts: readonly HostName[];
  readonly grep: string;
  readonly json: string | undefined;
  readonly help: boolean;
}

/** The text of --help. */
export function helpText(): string {
  const list = hostNames.map((name) => `  ${name.padEnd(8)}${hosts[name].text}`).join("\n");
  return `Usage: npm run conformance -- [options]

Runs one list of HTTP behaviours on hosts. node:http is the reference: what a host does otherwise is listed in
test/conformance/differences.ts with the reason, or is a failure.

  --host NAMES   only these hosts, separated by commas
  --grep TEXT    only cases with this text in area or name
  --json FILE    also write rows {name, value, unit, limit}
  --help         this text

Hosts:
${list}
`;
}

function hostOf(text: string): HostName {
  const name = hostNames.find((candidate) => candidate === text.trim());
  if (name === undefined) throw new Error(`--host: no ${text}; there are ${hostNames.join(", ")}`);
  return name;
}

/** Reads the command line. @throws with what was expected when an option is wrong */
export function parseOptions(parameters: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...parameters],
    options: {
      host: { type: "string", default: hostNames.join(",") },
      grep: { type: "string", default: "" },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const { grep, json, help } = values;
  return { hosts: values.host.split(",").map(hostOf), grep, json, help };
}
