// SPDX-License-Identifier: Apache-2.0
// The benchmark's hooks for Tenon. Each exists twice where its decision may be kept.
import { openSync, writeSync } from "node:fs";
import {
  type AccessChecker,
  type CheckPassword,
  decision,
  HTTP_FORBIDDEN,
  type LogTransaction,
  OK,
} from "tenon";

const cache = { ttl: 60_000 };
let file: number | undefined;

export const accessChecker: AccessChecker = (r) =>
  r.headersIn.get("X-Bench") === "yes" ? OK : HTTP_FORBIDDEN;
