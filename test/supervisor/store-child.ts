// SPDX-License-Identifier: Apache-2.0
// A process that takes a store over, as a supervisor does, and then keeps and drops without end. Of descriptor-store.test.ts.
import { closeSync, openSync, writeSync } from "node:fs";
import { DescriptorStore } from "../../ts/supervisor/descriptor-store.ts";

const store = new DescriptorStore(3, 4, String(process.pid));
// Killed in the midst of this, too.
for (let turn = 0; ; turn++) {
  if (turn === 0) {
    for (const { descriptors } of store.takeOver()) for (const fd of descriptors) closeSync(fd);
    writeSync(1, "taken over\n");
  }
  const fd = openSync("/dev/null", "r");
  store.keep(`passing ${turn}`, { turn }, [fd, fd]);
  closeSync(fd);
  store.drop(`passing ${turn}`);
}
