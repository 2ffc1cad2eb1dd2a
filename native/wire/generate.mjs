// SPDX-License-Identifier: Apache-2.0
// Writes what follows from protocol.h: ts/wire/protocol.ts and native/wire/header_index.h (npm run gen).
// test/wire/generate.test.ts compares both with the committed files. Reads lines: one row a line.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Tables of protocol.h, in its order: C name to the name in TypeScript. */
export const tableNames = {
  WIRE_NUMBERS: "WireNumber",
  WIRE_FRAME_TYPES: "FrameType",
  WIRE_FLAGS: "Flag",
  WIRE_PHASES: "Phase",
  WIRE_FACTS: "Fact",
  WIRE_TABLES: "EntryTable",
  WIRE_OPERATIONS: "EntryOperation",
  WIRE_ASKS: "AskKind",
  WIRE_RESULT_FLAGS: "ResultFlag",
  WIRE_ERRORS: "WireError",
  WIRE_LOG_LEVELS: "LogLevel",
  WIRE_HEADERS: "Header",
  WIRE_SCOREBOARD_SIZES: "ScoreboardSize",
  WIRE_SCOREBOARD_HEADER: "ScoreboardHeader",
  WIRE_SCOREBOARD_SLOT: "ScoreboardSlot",
  WIRE_WORKER_STATES: "WorkerState",
  WIRE_WORKER_ENDINGS: "WorkerEnding",
  WIRE_BREAKER_STATES: "BreakerState",
};

const tableStart = /^#define (WIRE_[A-Z_]+)\(X\)\s*\\$/;
// Between value and meaning a phase has kind, context and what counts when a hook fails.
const tableRow =
  /^ {4}X\(([A-Z][A-Z0-9_]*), (0x[0-9a-f]+|\d+), (?:([A-Z_]+), ([A-Z]+), (-1|\d+), )?"([^"\\]+)"\)\s*(\\?)$/;
const tableFence = /^\/\* clang-format (off|on) \*\/$/;

/** Reads one line between tables; returns the name of the table that it opens, if any. */
function lineOutside(line, comment, at) {
  const start = tableStart.exec(line);
  if (start) {
    if (tableNames[start[1]] === undefined) throw new Error(`${at}: unknown table ${start[1]}`);
    return start[1];
  }
  if (line.trim() !== "" && !comment) throw new Error(`${at}: not understood: ${line}`);
  return undefined;
}

function checkRows(name, rows) {
  for (const key of ["name", "value"]) {
    const seen = rows.map((row) => row[key]);
    const twice = seen.find((item, index) => seen.indexOf(item) !== index);
    // Numbers may be equal: they are sizes, not codes.
    if (twice !== undefined && !(key === "value" && /NUMBERS|SIZES/.test(name)))
      throw new Error(`${name}: ${key} ${twice} is used twice`);
  }
}

/** Reads the tables between the two clang-format fences. @throws on any line it does not understand */
export function readTables(source) {
  const tables = {};
  let fenced = false;
  let comment = false;
  let rows;
  source.split("\n").forEach((line, index) => {
    const at = `protocol.h:${index + 1}`;
    const fence = tableFence.exec(line);
    if (fence) {
      if (rows) throw new Error(`${at}: the table is not finished`);
      fenced = fence[1] === "off";
      return;
    }
    if (!fenced) return;
    if (rows) {
      const row = tableRow.exec(line);
      if (!row) throw new Error(`${at}: not a row: ${line}`);
      const [, name, text, kind, context, onError, meaning, more] = row;
      const columns = kind && { kind, context, onError: Number(onError) };
      rows.push({ name, value: Number(text), text, meaning, ...columns });
      if (more === "") rows = undefined;
      return;
    }
    if (line.startsWith("/*")) comment = true;
    const opened = lineOutside(line, comment, at);
    if (line.endsWith("*/")) comment = false;
    if (opened) rows = tables[opened] = [];
  });
  for (const name of Object.keys(tableNames)) {
    if (!tables[name]?.length) throw new Error(`protocol.h: no table ${name}`);
    checkRows(name, tables[name]);
  }
  return tables;
}

const generated =
  "Generated from native/wire/protocol.h by native/wire/generate.mjs (npm run gen): do not edit.";

function tableText(name, rows) {
  const lines = rows.map((row) => `  /** ${row.meaning} */\n  ${row.name}: ${row.text},`);
  return [
    `export const ${name} = {`,
    ...lines,
    "} as const;",
    `export type ${name} = (typeof ${name})[keyof typeof ${name}];`,
    "",
  ].join("\n");
}

function lookupText(name, doc, rows, key) {
  const length = Math.max(...rows.map((row) => row.value)) + 1;
  const items = Array.from({ length }, (_, value) => {
    const row = rows.find((candidate) => candidate.value === value);
    return row ? `  ${JSON.stringify(row[key])},` : "  undefined,";
  });
  return [
    `/** ${doc} */`,
    `export const ${name}: readonly (string | undefined)[] = [`,
    ...items,
    "];",
    "",
  ].join("\n");
}

/** What belongs to a phase beside its number: a host's directive, an application's export. */
function phasesText(rows) {
  const lines = rows.map(({ name, value, kind, context, onError }) => {
    const directive = name.toLowerCase();
    const exported = directive.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
    return [
      `  {\n    phase: ${value},\n    directive: "${directive}",\n    exported: "${exported}",\n    kind: "${kind}",\n`,
      `    context: "${context}",\n    onError: ${onError},\n  },`,
    ].join("");
  });
  return [
    "/** The columns of the phases, and their names to the host's configuration and to applications. */",
    "export const phaseRows = [",
    ...lines,
    "] as const;",
    "",
  ].join("\n");
}

/** The text of ts/wire/protocol.ts. */
export function typescriptText(tables) {
  const parts = ["// SPDX-License-Identifier: Apache-2.0", `// ${generated}`, ""];
  for (const [cName, name] of Object.entries(tableNames))
    parts.push(tableText(name, tables[cName]));
  parts.push(
    phasesText(tables.WIRE_PHASES),
    lookupText("frameTypeNames", "Names of frame types by value.", tables.WIRE_FRAME_TYPES, "name"),
    lookupText("factNames", "Names of facts by value.", tables.WIRE_FACTS, "name"),
    lookupText("errorNames", "Names of errors by value.", tables.WIRE_ERRORS, "name"),
    lookupText("errorMeanings", "Meanings of errors by value.", tables.WIRE_ERRORS, "meaning"),
    lookupText("headerNames", "Spellings of headers by code.", tables.WIRE_HEADERS, "meaning"),
    lookupText(
      "workerStateNames",
      "Names of worker states by value.",
      tables.WIRE_WORKER_STATES,
      "name",
    ),
  );
  return `${parts.join("\n").trimEnd()}\n`;
}

const indexSlots = 256;

function hash(name, [length, first, last, beforeLast]) {
  const code = (index) => name.charCodeAt(index);
  return (
    (name.length * length +
      code(0) * first +
      code(name.length - 1) * last +
      code(name.length - 2) * beforeLast) %
    indexSlots
  );
}

/** The first factors, counting up, that give every name a place of its own. */
function findFactors(names) {
  for (let seed = 0; seed < 64 ** 4; seed++) {
    const factors = [seed % 64, (seed >> 6) % 64, (seed >> 12) % 64, (seed >> 18) % 64].map(
      (n) => 2 * n + 1,
    );
    if (new Set(names.map((name) => hash(name, factors))).size === names.length) return factors;
  }
  throw new Error("no factors give every header a place of its own: add a character to the hash");
}

/** The text of native/wire/header_index.h: a hash of a header's name without collisions. */
export function headerIndexText(tables) {
  const rows = tables.WIRE_HEADERS;
  const short = rows.find((row) => row.meaning.length < 2 || row.value > 255);
  if (short) throw new Error(`WIRE_HEADERS: ${short.name} is too short or its code above 255`);
  const factors = findFactors(rows.map((row) => row.meaning));
  const slots = new Array(indexSlots).fill(0);
  for (const row of rows) slots[hash(row.meaning, factors)] = row.value;
  const lines = [];
  for (let at = 0; at < indexSlots; at += 16)
    lines.push(`    ${slots.slice(at, at + 16).join(", ")},`);
  const [length, first, last, beforeLast] = factors;
  return `/* SPDX-License-Identifier: Apache-2.0
 *
 * ${generated}
 *
 * Where a well-known header name is found: a hash of its length and three characters without
 * collisions. Included by fields.c alone.
 */
#ifndef WIRE_HEADER_INDEX_H
#define WIRE_HEADER_INDEX_H

#include <stddef.h>
#include <stdint.h>

/* clang-format off */

/* The place of a name of at least 2 characters. */
static inline uint8_t wire_header_place(const uint8_t *name, size_t length)
{
    return (uint8_t)(length * ${length} + name[0] * ${first}u + name[length - 1] * ${last}u + name[length - 2] * ${beforeLast}u);
}

/* Codes by place; 0 where there is none. */
static const uint8_t wire_header_index[${indexSlots}] = {
${lines.join("\n")}
};

/* clang-format on */

#endif
`;
}

/** Paths below the root to the texts of all generated files. */
export function generate(source) {
  const tables = readTables(source);
  return {
    "ts/wire/protocol.ts": typescriptText(tables),
    "native/wire/header_index.h": headerIndexText(tables),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const source = readFileSync(`${root}/native/wire/protocol.h`, "utf8");
  for (const [path, text] of Object.entries(generate(source))) {
    writeFileSync(`${root}/${path}`, text);
    console.log(`wrote ${path}`);
  }
}
