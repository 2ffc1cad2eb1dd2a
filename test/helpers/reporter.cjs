// SPDX-License-Identifier: Apache-2.0
// Mocha's spec reporter, which also leaves the run's counts and what failed where scripts/test.ts asks for them (TENON_TEST_COUNTS).
const { writeFileSync } = require("node:fs");
const Mocha = require("mocha");

module.exports = class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const path = process.env.TENON_TEST_COUNTS;
    if (path === undefined) return;
    const { EVENT_RUN_END, EVENT_TEST_FAIL } = Mocha.Runner.constants;
    const failed = [];
    runner.on(EVENT_TEST_FAIL, (test, error) => {
      failed.push(`${test.fullTitle()}\n${error.stack ?? error.message ?? error}`);
    });
    runner.once(EVENT_RUN_END, () => {
      const { passes, failures, pending } = runner.stats;
      const counts = { passed: passes, failed: failures, skipped: pending };
      writeFileSync(path, JSON.stringify({ counts, failed }));
    });
  }
};
