// SPDX-License-Identifier: Apache-2.0
import { resolve } from "node:path";

// The packages are in a folder above.
const root = resolve("..");

export default {
  output: "standalone",
  outputFileTracingRoot: root,
  turbopack: { root },
  productionBrowserSourceMaps: false,
};
