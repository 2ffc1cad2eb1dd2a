// SPDX-License-Identifier: Apache-2.0
// Hooks that leave their names in the order in which they ran, and tell which options they see.
import { DECLINED, type Fixups } from "../../ts/index.ts";

/** A hook that adds a name to the answer's trail. */
function mark(name: string): Fixups {
  return (r) => {
    r.headersOut.append("X-Trail", name);
    return DECLINED;
  };
}

export const a: Fixups = mark("a");
export const b: Fixups = mark("b");
export const c: Fixups = mark("c");
export const d: Fixups = mark("d");

/** Tells the options of the place, by name. */
export const fixups: Fixups = (r) => {
  const options = [...r.options.entries()].map(([name, value]) => `${name}=${value}`);
  r.headersOut.append("X-Options", options.sort().join(" "));
  return DECLINED;
};
