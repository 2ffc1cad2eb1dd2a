// SPDX-License-Identifier: Apache-2.0
// Lines of hooks for httpd's error log.
import type { Exchange } from "../channel/exchange.ts";
import { LogLevel } from "../wire/protocol.ts";

/** Writes lines to the error log of the virtual host that serves, with the id of the request. */
export interface HookLog {
  error(text: string): void;
  warn(text: string): void;
  notice(text: string): void;
  info(text: string): void;
  debug(text: string): void;
}

/** Makes the log of a request. @param prefix before each line */
export function logOf(exchange: Exchange, prefix: string): HookLog {
  const line = (level: LogLevel) => (text: string) => exchange.log(level, prefix + String(text));
  return {
    error: line(LogLevel.ERROR),
    warn: line(LogLevel.WARN),
    notice: line(LogLevel.NOTICE),
    info: line(LogLevel.INFO),
    debug: line(LogLevel.DEBUG),
  };
}
