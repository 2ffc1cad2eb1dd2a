// SPDX-License-Identifier: Apache-2.0
// From names to ids: which user a pool's workers become, and the environment that goes with it.
import { fail } from "../errors.ts";
import { type Identity, native } from "../native.ts";
import type { PoolSettings } from "../settings/settings.ts";

/** What the system knows about a pool's user. */
export interface Account {
  /** Undefined: the workers stay what the supervisor is. */
  readonly identity: Identity | undefined;
  readonly home: string;
  readonly shell: string;
}

/**
 * Looks up the user and group of a pool.
 * @throws {TENON_ERR_USER_UNKNOWN} {TENON_ERR_USER_ROOT} {TENON_ERR_GROUP_UNKNOWN}
 * @throws {TENON_ERR_USER_OTHER} when the supervisor is not root and the user is another than its own
 */
export function findAccount(settings: PoolSettings, supervisorUid: number): Account {
  const { name: pool, user, group } = settings;
  const found = native().userByName(user);
  if (found === undefined) throw fail("TENON_ERR_USER_UNKNOWN", { pool, user });
  const { uid, home, shell } = found;
  if (supervisorUid !== 0) {
    if (uid !== supervisorUid) {
      throw fail("TENON_ERR_USER_OTHER", { pool, user, uid: supervisorUid });
    }
    return { identity: undefined, home, shell };
  }
  if (uid === 0) throw fail("TENON_ERR_USER_ROOT", { pool, user });
  const gid = group === "" ? found.gid : native().groupByName(group);
  if (gid === undefined) throw fail("TENON_ERR_GROUP_UNKNOWN", { pool, group });
  return { identity: { uid, gid, groups: native().groupsOf(user, gid) }, home, shell };
}

const STANDARD_PATH = "/usr/local/bin:/usr/bin:/bin";
const STANDARD_LANGUAGE = "C.UTF-8";

/** Gives the environment of a pool's workers: exactly what docs/architecture.md lists. @param own the supervisor's environment */
export function workerEnvironment(
  settings: PoolSettings,
  account: Account,
  own: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const { PATH, LANG, TZ } = own;
  return {
    PATH: PATH ?? STANDARD_PATH,
    HOME: account.home,
    USER: settings.user,
    LOGNAME: settings.user,
    SHELL: account.shell,
    LANG: LANG ?? STANDARD_LANGUAGE,
    ...(TZ === undefined ? {} : { TZ }),
    NODE_ENV: "production",
    TENON_POOL: settings.name,
    ...settings.environment,
  };
}
