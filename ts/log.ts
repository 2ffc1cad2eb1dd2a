// SPDX-License-Identifier: Apache-2.0
// Lines for httpd's error log, in httpd's own format, so that one log reads as one. Tags are listed in docs/errors.md.

/** httpd's levels by their number; more than 8 is trace2 and beyond. */
export const logLevelNames = [
  "emerg",
  "alert",
  "crit",
  "error",
  "warn",
  "notice",
  "info",
  "debug",
  "trace1",
] as const;

export type LogLevelName = (typeof logLevelNames)[number];

/** What a line is about: pool, slot and, when there is one, pid of a worker. */
export interface LogSubject {
  readonly pool: string;
  readonly slot?: number | undefined;
  readonly pid?: number | undefined;
}

export interface LogOptions {
  /** Lines above this level are left out; httpd's number, 0 to 15. */
  readonly level: number;
  /** Pid that the lines carry. */
  readonly pid: number;
  /** Takes a whole line with its line feed. Must not throw. */
  readonly write: (line: string) => void;
  /** Clock, ms since the epoch. */
  readonly now?: () => number;
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun"].concat([
  "Jul",
  "Aug",
  "Sep",
  "Oct",
  "Nov",
  "Dec",
]);

/** Gives a time as httpd's error log has it, in local time: `Sun Nov 22 19:37:44.123000 2026`. @param ms since the epoch */
export function formatLogTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  const micros = `${String(date.getMilliseconds()).padStart(3, "0")}000`;
  const day = `${DAYS[date.getDay()]} ${MONTHS[date.getMonth()]} ${two(date.getDate())}`;
  return `${day} ${clock}.${micros} ${date.getFullYear()}`;
}

/** Gives text that stays on one line and cannot command a terminal: control characters become `\n` or `\x1b`. */
export function escapeLogText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\t") return "\\t";
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

/** Writes log lines at or below a level. Created by a process' entry; lives as long as the process. */
export class Log {
  /** Highest level that is written, httpd's number. */
  level: number;
  readonly #pid: number;
  readonly #write: (line: string) => void;
  readonly #now: () => number;

  constructor(options: LogOptions) {
    this.level = options.level;
    this.#pid = options.pid;
    this.#write = options.write;
    this.#now = options.now ?? Date.now;
  }

  /** Writes one line. @param tag `TN0123`, each at one call site only */
  line(level: LogLevelName, tag: string, subject: LogSubject | undefined, text: string): void {
    if (logLevelNames.indexOf(level) > this.level) return;
    const head = `[${formatLogTime(this.#now())}] [tenon:${level}] [pid ${this.#pid}] ${tag}:`;
    const about = subject === undefined ? "" : ` [${formatSubject(subject)}]`;
    this.#write(`${head}${about} ${escapeLogText(text)}\n`);
  }
}

function formatSubject(subject: LogSubject): string {
  return [subject.pool, subject.slot, subject.pid].filter((part) => part !== undefined).join(" ");
}
