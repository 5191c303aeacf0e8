/** Which Patroni may run a cluster on etcd's v3 interface. */
export type PatroniJudgement = { readonly sound: true } | { readonly sound: false; readonly reason: string };

/** `3.0.2` from `patroni 3.0.2`; undefined when there is none. */
export function parsePatroniVersion(output: string): string | undefined {
  return /patroni(?:ctl version)?\s+(\d+\.\d+(?:\.\d+)?)/.exec(output)?.[1];
}

/**
 * Patroni ≥ 4.0 is the rule. Versions before 3.0.3 put a lost leader key back without a compare (patroni#2689, #2693): a primary
 * that was frozen takes the lock from its successor, and what the successor acknowledged is lost.
 */
export function judgePatroniVersion(version: string): PatroniJudgement {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  if (major >= 4) return { sound: true };
  const before303 = major < 3 || (major === 3 && minor === 0 && patch < 3);
  return {
    sound: false,
    reason: before303
      ? `Patroni ${version} loses acknowledged writes with etcd v3: a primary that was frozen takes the leader lock back from its successor (fixed in 3.0.3). Holdfast needs 4.0 or later.`
      : `Patroni ${version} is older than 4.0, the first version that Holdfast supports.`,
  };
}
