// SPDX-License-Identifier: Apache-2.0
// What an application gets for `import … from "tenon"`: its own copy of the package when it has one, else the one that runs it. Used by main.ts.
import { registerHooks } from "node:module";

const NAME = "tenon";
const ownEntry = new URL(
  import.meta.url.endsWith(".ts") ? "../index.ts" : "../index.js",
  import.meta.url,
).href;

/** Lets an application import this package without having installed it. */
export function offerOwnPackage(): void {
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier !== NAME) return next(specifier, context);
      try {
        return next(specifier, context);
      } catch {
        return { url: ownEntry, shortCircuit: true };
      }
    },
  });
}
