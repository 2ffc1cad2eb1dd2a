// SPDX-License-Identifier: Apache-2.0
// Parses config.json (docs/architecture.md) and checks every value against its row. Called by ts/supervisor.
import { isAbsolute } from "node:path";
import { fail } from "../errors.ts";
import {
  choiceSettings,
  type NumberKey,
  type NumberRow,
  numberSettings,
  type PoolSettings,
  type ReloadMode,
  type TextKey,
  type TextRow,
  textSettings,
} from "./settings.ts";

/** config.json, checked. */
export interface Config {
  /** httpd's parent. */
  readonly parent: { readonly pid: number; readonly uid: number; readonly gid: number };
  /** User and group of httpd's children. */
  readonly host: { readonly uid: number; readonly gid: number };
  /** httpd's level, 0 (emerg) to 15 (trace8). */
  readonly logLevel: number;
  /** Most workers of all pools together. */
  readonly processesTotal: number;
  readonly pools: readonly PoolSettings[];
}

type Entry = Readonly<Record<string, unknown>>;

const FORMAT_VERSION = 1;
const PROCESSES_TOTAL = 100;
const LARGEST_ID = 0xffff_fffe;
const POOL_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const EXPORT_NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
/** Any: what .htaccess files may name is not known before. */
const ANY_EXPORT = "*";
const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Parses the text of config.json; a setting that is not given has its standard value.
 * @throws {TENON_ERR_CONFIG_FORMAT} when the text is not JSON of our version
 * @throws {TENON_ERR_CONFIG_VALUE} naming pool and key of a wrong value
 */
export function parseConfig(text: string): Config {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (cause) {
    throw fail("TENON_ERR_CONFIG_FORMAT", { reason: String(cause) }, cause);
  }
  const config = entryOf(root, "config.json");
  const { version, pools } = config;
  if (version !== FORMAT_VERSION) {
    const reason = `version must be ${FORMAT_VERSION}, not ${shown(version)}`;
    throw fail("TENON_ERR_CONFIG_FORMAT", { reason });
  }
  const parent = entryAt(config, "parent");
  const host = entryAt(config, "host");
  return {
    parent: {
      pid: numberOf(parent, "pid", 1, LARGEST_ID, "parent"),
      uid: numberOf(parent, "uid", 0, LARGEST_ID, "parent"),
      gid: numberOf(parent, "gid", 0, LARGEST_ID, "parent"),
    },
    host: {
      uid: numberOf(host, "uid", 0, LARGEST_ID, "host"),
      gid: numberOf(host, "gid", 0, LARGEST_ID, "host"),
    },
    logLevel: numberOf(config, "logLevel", 0, 15, "config.json"),
    processesTotal:
      config["processesTotal"] === undefined
        ? PROCESSES_TOTAL
        : numberOf(config, "processesTotal", 1, 65_535, "config.json"),
    pools: parsePools(pools),
  };
}

function parsePools(value: unknown): PoolSettings[] {
  if (!Array.isArray(value)) throw wrong("config.json", "pools", "an array", value);
  const pools = value.map((entry: unknown, index) => parsePool(entry, index));
  const names = new Set<string>();
  for (const { name } of pools) {
    if (names.has(name)) throw wrong(`pool '${name}'`, "name", "that of one pool only", name);
    names.add(name);
  }
  return pools;
}

function parsePool(value: unknown, index: number): PoolSettings {
  const entry = entryOf(value, `pool ${index}`);
  const { name, environment } = entry;
  if (typeof name !== "string" || !POOL_NAME.test(name)) {
    throw wrong(`pool ${index}`, "name", "1 to 64 letters, digits, '.', '_' and '-'", name);
  }
  const where = `pool '${name}'`;
  const settings: PoolSettings = {
    name,
    ...(Object.fromEntries(
      textSettings.map((row) => [row.key, textSetting(entry, row, where)]),
    ) as Record<TextKey, string>),
    ...(Object.fromEntries(
      numberSettings.map((row) => [row.key, numberSetting(entry, row, where)]),
    ) as Record<NumberKey, number>),
    reload: parseReload(entry["reload"], where),
    watch: parsePaths(entry["watch"], where),
    environment: parseEnvironment(environment, where),
    exports: parseExports(entry["exports"], where),
  };
  if (settings.processesMin > settings.processesMax) {
    const expected = `at most processesMax (${settings.processesMax})`;
    throw wrong(where, "processesMin", expected, settings.processesMin);
  }
  return settings;
}

function numberSetting(entry: Entry, row: NumberRow, where: string): number {
  if (entry[row.key] === undefined) return row.standard;
  return numberOf(entry, row.key, row.least, row.most, where);
}

function textSetting(entry: Entry, row: TextRow, where: string): string {
  const value = entry[row.key] ?? row.standard;
  if (typeof value !== "string" || value.includes("\0")) {
    throw wrong(where, row.key, "a text without NUL", value);
  }
  if (value === "" && row.standard === undefined) throw wrong(where, row.key, "given", value);
  if (row.type === "path" && !isAbsolute(value)) {
    throw wrong(where, row.key, "an absolute path", value);
  }
  return value;
}

function parseReload(value: unknown, where: string): ReloadMode {
  const [{ key, choices, standard }] = choiceSettings;
  if (value === undefined) return standard;
  const chosen = choices.find((choice) => choice === value);
  if (chosen === undefined) throw wrong(where, key, `one of ${choices.join(", ")}`, value);
  return chosen;
}

function parsePaths(value: unknown, where: string): readonly string[] {
  if (value === undefined) return [];
  const isPath = (path: unknown): boolean =>
    typeof path === "string" && isAbsolute(path) && !path.includes("\0");
  if (Array.isArray(value) && value.every(isPath)) return value as string[];
  throw wrong(where, "watch", "an array of absolute paths", value);
}

function parseEnvironment(value: unknown, where: string): Record<string, string> {
  const entry = value === undefined ? {} : entryOf(value, `${where}: environment`);
  const environment: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, text] of Object.entries(entry)) {
    if (!VARIABLE_NAME.test(name)) {
      throw wrong(where, "environment", "names of letters, digits and '_'", name);
    }
    if (typeof text !== "string" || text.includes("\0")) {
      throw wrong(where, `environment.${name}`, "a text without NUL", text);
    }
    environment[name] = text;
  }
  return environment;
}

function parseExports(value: unknown, where: string): readonly string[] {
  if (value === undefined) return [];
  const isName = (name: unknown): boolean =>
    typeof name === "string" && (name === ANY_EXPORT || EXPORT_NAME.test(name));
  if (Array.isArray(value) && value.every(isName)) return value as string[];
  throw wrong(where, "exports", "an array of names of exports", value);
}

function entryOf(value: unknown, where: string): Entry {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Entry;
  throw wrong("config.json", where, "an object", value);
}

function entryAt(entry: Entry, key: string): Entry {
  return entryOf(entry[key], key);
}

function numberOf(entry: Entry, key: string, least: number, most: number, where: string): number {
  const value = entry[key];
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) {
    return value;
  }
  throw wrong(where, key, `a whole number from ${least} to ${most}`, value);
}

function wrong(where: string, key: string, expected: string, value: unknown): Error {
  return fail("TENON_ERR_CONFIG_VALUE", { where, key, expected, got: shown(value) });
}

function shown(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value).slice(0, 100);
}
