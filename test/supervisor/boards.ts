// SPDX-License-Identifier: Apache-2.0
// A scoreboard as a host sees it.
import { closeSync, fstatSync, openSync } from "node:fs";
import { native } from "../../ts/native.ts";
import { Scoreboard } from "../../ts/wire/scoreboard.ts";

/** Maps a scoreboard for reading. */
export function mapBoard(path: string): Scoreboard {
  const fd = openSync(path, "r");
  try {
    return new Scoreboard(native().mapScoreboard(fd, fstatSync(fd).size, false));
  } finally {
    closeSync(fd);
  }
}
