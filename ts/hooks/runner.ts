// SPDX-License-Identifier: Apache-2.0
// The hooks of a worker: finds the function that the host asks for in the application's module, and has it run. Called by ts/worker/runtime.ts.
import type { Exchange } from "../channel/exchange.ts";
import { Fact, Phase, phaseRows } from "../wire/protocol.ts";
import type { HookExports } from "./exports.ts";
import { FilterRun } from "./filter.ts";
import { LogBatch } from "./log-batch.ts";
import type { HookFunction } from "./outcome.ts";
import { HookRun } from "./run.ts";
import { States } from "./state.ts";

/** Runs hooks. One a worker. */
export class HookRunner {
  readonly #exports: HookExports;
  readonly #states = new States();

  constructor(exports: HookExports) {
    this.#exports = exports;
    this.#states.provide();
  }

  /** Runs the hook that an exchange asks for. It does not throw. */
  handle(exchange: Exchange): void {
    const { phase, facts } = exchange.request;
    if (phase === Phase.LOG_TRANSACTION) {
      new LogBatch(exchange, this.#exports, this.#states).start();
      return;
    }
    const name = facts[Fact.EXPORT] ?? phaseRows[phase]?.exported ?? "";
    const run = new HookRun(exchange, name, this.#states);
    let hook: HookFunction;
    try {
      hook = this.#exports.get(name, phase);
    } catch (error) {
      run.fail(error);
      return;
    }
    if (phase === Phase.OUTPUT_FILTER || phase === Phase.INPUT_FILTER) {
      void new FilterRun(run).start(hook);
    } else run.start(hook);
  }
}
