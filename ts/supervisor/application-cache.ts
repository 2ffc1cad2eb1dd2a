// SPDX-License-Identifier: Apache-2.0
// Folders in which Node keeps what it compiled of the pools' own code: each is its pool's user's, who may put there whatever he likes. Called by
// compile-cache.ts and runtime-directory.ts.
import {
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  type Stats,
  unlinkSync,
} from "node:fs";
import { join } from "node:path";
import type { FileOwner } from "./scoreboard-file.ts";

const MODE = 0o700;
const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
/** Node makes one level of folders; somebody who makes more keeps them. */
const DEEPEST = 4;

/**
 * Opens a pool's folder, made anew unless it is its user's: nobody runs what another user has put there.
 * @param path in a folder that only we can change
 * @returns a descriptor of the directory, the caller's @throws errors of the system
 */
export function openApplicationCache(path: string, owner: FileOwner): number {
  const found = lstatOf(path);
  if (found === undefined || !found.isDirectory() || found.uid !== owner.uid) {
    if (found?.isDirectory() === true) removeForeign(path);
    mkdirSync(path, { recursive: true, mode: MODE });
    chownSync(path, owner.uid, owner.gid);
  }
  return openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

/**
 * Removes a folder that another user can write to, while he does: each directory is made ours before anything in it is named, so that no
 * name comes to mean a file elsewhere. What is too deep stays. @param path in a folder that only we can change
 */
export function removeForeign(path: string, depth = 0): void {
  if (depth > DEEPEST) throw new Error(`${path} is too deep to be ours`);
  const fd = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    // In this order: once it is ours nobody else changes the mode.
    fchownSync(fd, process.geteuid?.() ?? 0, process.getegid?.() ?? 0);
    fchmodSync(fd, MODE);
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const inner = join(path, entry.name);
      if (entry.isDirectory()) removeForeign(inner, depth + 1);
      else unlinkSync(inner);
    }
  } finally {
    closeSync(fd);
  }
  rmdirSync(path);
}

/** Removes the folders of pools that are no more, and the one that they are in when it is empty. @param kept names of pools */
export function removeApplicationCaches(folder: string, kept: ReadonlySet<string>): void {
  if (lstatOf(folder) === undefined) return;
  for (const name of readdirSync(folder)) {
    if (kept.has(name)) continue;
    try {
      removeForeign(join(folder, name));
    } catch {
      // Not what Node puts there: it stays, for whoever looks after the machine.
    }
  }
  if (kept.size === 0 && readdirSync(folder).length === 0) rmdirSync(folder);
}

function lstatOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
