// SPDX-License-Identifier: Apache-2.0
// Exports of the phase map.
import { decision, type MapFunction } from "../../ts/index.ts";

const files: Readonly<Record<string, string>> = { known: "page.txt", empty: "", line: "a\nb" };

/** A file for some keys. */
export const fileOf: MapFunction = (key) => files[key];

/** "yes" for alice, and an error for mallory. */
export const mayEnter: MapFunction = async (key) => {
  if (key === "mallory") throw new Error("mallory again");
  await Promise.resolve();
  return key === "alice" ? "yes" : "no";
};

/** What it is asked with. */
export const seen: MapFunction = (key, r) => `${key}|${r.method}|${r.headersIn.get("host")}`;

let asked = 0;

/** How often this was asked, which may be kept for a key. */
export const kept: MapFunction = () =>
  decision(String(++asked), { cache: { ttl: 60_000, vary: [] } });
