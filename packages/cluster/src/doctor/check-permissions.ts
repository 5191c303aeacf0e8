import { error, type Finding, ok, warning } from './finding.js';

export interface ModeFact {
  readonly path: string;
  readonly kind: 'secret' | 'data' | 'file';
  /** The permission bits, 0o600 for example. */
  readonly mode: number;
}

/** Bits that nobody may have. PostgreSQL itself takes 0700 and 0750 for its data directory. */
const forbidden: Readonly<Record<ModeFact['kind'], number>> = { secret: 0o077, file: 0o077, data: 0o027 };

export function judgePermissions(facts: readonly ModeFact[]): readonly Finding[] {
  const findings = facts.flatMap(({ path, kind, mode }): Finding[] => {
    if ((mode & forbidden[kind]) === 0) return [];
    const right = kind === 'data' ? '0700' : '0600';
    const what = `${path} has mode ${mode.toString(8).padStart(4, '0')}, so others may get at it`;
    const remedy = `chmod ${right} ${path}`;
    return [kind === 'file' ? warning(`mode.${path}`, what, remedy) : error(`mode.${path}`, what, remedy)];
  });
  return findings.length > 0 ? findings : [ok('modes', `${facts.length} files and folders are closed to others`)];
}
