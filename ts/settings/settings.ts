// SPDX-License-Identifier: Apache-2.0
// The settings of a pool: one row each. docs/settings.md lists the same rows; a test compares. Read by load.ts.

interface SettingRow {
  /** Key in config.json. */
  readonly key: string;
  /** httpd's directive that sets it. */
  readonly directive: string;
  readonly text: string;
}

/** A setting that is a whole number. */
export interface NumberRow extends SettingRow {
  readonly type: "number";
  readonly unit: "" | "ms" | "KiB" | "%" | "octal";
  readonly standard: number;
  readonly least: number;
  readonly most: number;
}

/** A setting that is a text; one without a standard must be given. */
export interface TextRow extends SettingRow {
  readonly type: "path" | "name";
  readonly standard: string | undefined;
}

/** Numbers of a pool, in the order of docs/settings.md. */
export const numberSettings = [
  {
    key: "processesMin",
    directive: "TenonProcesses",
    type: "number",
    unit: "",
    standard: 0,
    least: 0,
    most: 128,
    text: "Workers that always run; 0 starts the first at the first request",
  },
  {
    key: "processesMax",
    directive: "TenonProcesses",
    type: "number",
    unit: "",
    standard: 4,
    least: 1,
    most: 128,
    text: "Most workers that run at once, not counted those that drain",
  },
  {
    key: "concurrency",
    directive: "TenonConcurrency",
    type: "number",
    unit: "",
    standard: 100,
    least: 1,
    most: 10_000,
    text: "Requests that one worker handles at once",
  },
  {
    key: "queueLength",
    directive: "TenonQueueLength",
    type: "number",
    unit: "",
    standard: 100,
    least: 1,
    most: 65_535,
    text: "Requests that may wait for a worker; more get 503 at once",
  },
  {
    key: "queueTimeoutMs",
    directive: "TenonQueueTimeout",
    type: "number",
    unit: "ms",
    standard: 30_000,
    least: 1,
    most: 86_400_000,
    text: "Longest wait for a worker before 503",
  },
  {
    key: "requestTimeoutMs",
    directive: "TenonRequestTimeout",
    type: "number",
    unit: "ms",
    standard: 60_000,
    least: 1,
    most: 86_400_000,
    text: "Longest wait for the application's answer, with no progress, before 504",
  },
  {
    key: "stallTimeoutMs",
    directive: "TenonStallTimeout",
    type: "number",
    unit: "ms",
    standard: 10_000,
    least: 1_000,
    most: 86_400_000,
    text: "Longest time for which code may keep a worker's event loop from turning before it is terminated",
  },
  {
    key: "startupTimeoutMs",
    directive: "TenonStartupTimeout",
    type: "number",
    unit: "ms",
    standard: 30_000,
    least: 100,
    most: 3_600_000,
    text: "Longest time for an application to start",
  },
  {
    key: "gracefulTimeoutMs",
    directive: "TenonGracefulTimeout",
    type: "number",
    unit: "ms",
    standard: 30_000,
    least: 0,
    most: 86_400_000,
    text: "Longest time for a worker that is replaced to finish its requests",
  },
  {
    key: "shutdownTimeoutMs",
    directive: "TenonShutdownTimeout",
    type: "number",
    unit: "ms",
    standard: 5_000,
    least: 0,
    most: 3_600_000,
    text: "Longest time for a worker to exit when httpd stops, before SIGKILL",
  },
  {
    key: "idleTimeoutMs",
    directive: "TenonIdleTimeout",
    type: "number",
    unit: "ms",
    standard: 300_000,
    least: 1_000,
    most: 86_400_000,
    text: "Time after which an idle worker above the minimum is stopped",
  },
  {
    key: "openFiles",
    directive: "TenonOpenFiles",
    type: "number",
    unit: "",
    standard: 4_096,
    least: 64,
    most: 1_048_576,
    text: "Most open files of a worker (RLIMIT_NOFILE)",
  },
  {
    key: "memorySoft",
    directive: "TenonMemory",
    type: "number",
    unit: "KiB",
    standard: 524_288,
    least: 0,
    most: 1_073_741_824,
    text: "Memory of its own at which a worker is replaced: its successor is ready first; 0 is no limit",
  },
  {
    key: "memoryHard",
    directive: "TenonMemory",
    type: "number",
    unit: "KiB",
    standard: 1_048_576,
    least: 0,
    most: 1_073_741_824,
    text: "Memory of its own at which a worker is stopped: what runs is terminated, or the worker killed; 0 is no limit",
  },
  {
    key: "requests",
    directive: "TenonRequests",
    type: "number",
    unit: "",
    standard: 1_000_000,
    least: 0,
    most: 1_000_000_000,
    text: "Requests after which a worker is replaced: its successor is ready first; 0 is no limit",
  },
  {
    key: "requestsJitter",
    directive: "TenonRequests",
    type: "number",
    unit: "%",
    standard: 20,
    least: 0,
    most: 100,
    text: "By how much less of that a worker may have, at random",
  },
  {
    key: "ageMs",
    directive: "TenonAge",
    type: "number",
    unit: "ms",
    standard: 86_400_000,
    least: 0,
    most: 1_728_000_000,
    text: "Time after which a worker is replaced: its successor is ready first; 0 is no limit",
  },
  {
    key: "ageJitter",
    directive: "TenonAge",
    type: "number",
    unit: "%",
    standard: 20,
    least: 0,
    most: 100,
    text: "By how much less of that a worker may have, at random",
  },
  {
    key: "umask",
    directive: "TenonUmask",
    type: "number",
    unit: "octal",
    standard: 0o022,
    least: 0,
    most: 0o777,
    text: "umask of the workers",
  },
] as const;

/** Texts of a pool. */
export const textSettings = [
  {
    key: "app",
    directive: "TenonApp",
    type: "path",
    standard: undefined,
    text: "The application: a .ts, .js, .mjs or .cjs file",
  },
  {
    key: "user",
    directive: "TenonUser",
    type: "name",
    standard: undefined,
    text: "User that the workers run as, never root (httpd fills in its own User)",
  },
  {
    key: "group",
    directive: "TenonGroup",
    type: "name",
    standard: "",
    text: "Group that the workers run as; empty is the user's own",
  },
  {
    key: "directory",
    directive: "TenonDirectory",
    type: "path",
    standard: undefined,
    text: "Working directory of the workers (httpd fills in the application's directory)",
  },
] as const;

/** Words of a pool: one of a few. */
export const choiceSettings = [
  {
    key: "reload",
    directive: "TenonReload",
    type: "choice",
    choices: ["graceful", "strict", "off"],
    standard: "graceful",
    text: "What becomes of the workers when a file changes that the application is made from",
  },
] as const;

export type ChoiceKey = (typeof choiceSettings)[number]["key"];
export type ReloadMode = (typeof choiceSettings)[0]["choices"][number];
export type NumberKey = (typeof numberSettings)[number]["key"];
export type TextKey = (typeof textSettings)[number]["key"];

/** The settings of one pool, checked. */
export interface PoolSettings
  extends Readonly<Record<NumberKey, number>>,
    Readonly<Record<TextKey, string>> {
  readonly name: string;
  readonly reload: ReloadMode;
  /** Absolute paths of files and directories that count as the application's (TenonWatch). */
  readonly watch: readonly string[];
  /** Variables that TenonEnv adds to a worker's environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Functions that the configuration names as hooks, or `*`: any. An application that exports one needs no default export. */
  readonly exports: readonly string[];
}
