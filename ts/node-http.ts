// SPDX-License-Identifier: Apache-2.0
// node:http without what it names but few need. An `import` of a built-in module reads all its exports once, and one of node:http's loads Node's WebSocket and
// fetch code: 30 of the 100 ms between the spawn of a worker with a listener and its readiness (Node 24).

/** The module node:http. */
export const http: typeof import("node:http") = process.getBuiltinModule("node:http");
