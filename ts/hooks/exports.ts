// SPDX-License-Identifier: Apache-2.0
// Finds hooks in an application's module. Used by runner.ts and log-batch.ts.
import { fail } from "../errors.ts";
import { phaseRows } from "../wire/protocol.ts";
import type { HookFunction } from "./outcome.ts";

/** An application's module: its exports by name. */
export type HookModule = Readonly<Record<string, unknown>>;

/** Exports that are no hooks. */
const notHooks: ReadonlySet<string> = new Set(["default", "module.exports", "__esModule"]);

/** In place of a name: hooks that an .htaccess may name, so any. */
export const ANY_HOOK = "*";

/** Finds hooks by name: in the module's exports, or, as CommonJS has them, in its default one. */
export class HookExports {
  readonly #module: HookModule;
  readonly #app: string;

  /** @param app path of the application, for messages */
  constructor(module: HookModule, app: string) {
    this.#module = module;
    this.#app = app;
  }

  /** The function of that name; undefined when there is none. */
  find(name: string): HookFunction | undefined {
    if (notHooks.has(name)) return undefined;
    for (const holder of [this.#module, this.#module["default"]]) {
      if (!isHolder(holder) || !Object.hasOwn(holder, name)) continue;
      const value = holder[name];
      if (typeof value === "function") return value.bind(holder) as HookFunction;
    }
    return undefined;
  }

  /** Whether there is a hook of that name, or any hook for ANY_HOOK. */
  has(name: string): boolean {
    return name === ANY_HOOK ? this.#names().length > 0 : this.find(name) !== undefined;
  }

  /** The function that is asked for. @throws {TENON_ERR_HOOK_MISSING} */
  get(name: string, phase: number): HookFunction {
    const hook = this.find(name);
    if (hook !== undefined) return hook;
    const names = this.#names();
    throw fail("TENON_ERR_HOOK_MISSING", {
      app: this.#app,
      name,
      phase: phaseRows[phase]?.directive ?? phase,
      exported: names.length === 0 ? "none" : names.join(", "),
    });
  }

  #names(): string[] {
    const holders = [this.#module, this.#module["default"]].filter(isHolder);
    const names = holders.flatMap((holder) => Object.keys(holder));
    return [...new Set(names)].filter((name) => this.find(name) !== undefined).sort();
  }
}

function isHolder(value: unknown): value is HookModule {
  return typeof value === "object" && value !== null;
}
