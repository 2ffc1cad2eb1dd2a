// SPDX-License-Identifier: Apache-2.0
// The benchmark's hooks for Tenon: the same work as in bench/peers. Those that are kept say the same, for a minute.
import { openSync, writeSync } from "node:fs";
import {
  type AccessChecker,
  type CheckPassword,
  decision,
  type LogTransaction,
  OK,
  type OutputFilter,
} from "../../ts/index.ts";

const FORBIDDEN = 403;
const ttl = 60_000;

let log: number | undefined;

export const accessChecker: AccessChecker = (r) =>
  r.headersIn.get("X-Bench") === "yes" ? OK : FORBIDDEN;

export const accessCheckerKept: AccessChecker = (r) =>
  decision(r.headersIn.get("X-Bench") === "yes" ? OK : FORBIDDEN, {
    cache: { ttl, vary: ["header:X-Bench"] },
  });

export const checkPassword: CheckPassword = (_r, user, password) =>
  user === "bench" && password === "secret";

export const checkPasswordKept: CheckPassword = (_r, user, password) =>
  decision(user === "bench" && password === "secret", { cache: { ttl, vary: [] } });

export const logTransaction: LogTransaction = (r) => {
  log ??= openSync(process.env["BENCH_LOG"] ?? "", "a");
  writeSync(log, `${r.method} ${r.uri} ${r.status}\n`);
};

export const filterIdentity: OutputFilter = () => new TransformStream();

export const filterHead: OutputFilter = (_r, { headers }) => headers.set("X-Bench", "yes");
