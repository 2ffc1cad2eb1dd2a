// SPDX-License-Identifier: Apache-2.0
// Mocha's spec reporter, which also leaves the run's counts where scripts/test.ts asks for them (TENON_TEST_COUNTS).
const { writeFileSync } = require("node:fs");
const Mocha = require("mocha");

module.exports = class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const path = process.env.TENON_TEST_COUNTS;
    if (path === undefined) return;
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = runner.stats;
      writeFileSync(path, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
    });
  }
};
