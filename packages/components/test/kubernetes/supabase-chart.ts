import { createHash } from 'node:crypto';
import { parse } from 'yaml';

/** What this repository keeps of the community chart's default values: names of settings, and hashes of secrets that everybody knows. */
export interface ChartFacts {
  readonly source: string;
  readonly licence: string;
  readonly keys: readonly string[];
  /** SHA-256 of each default secret, by its setting. */
  readonly secrets: Readonly<Record<string, string>>;
}

type Values = { readonly [key: string]: unknown };

const isGroup = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every setting with its value, from the top with dots; groups too. */
export function settings(values: Values, prefix = ''): readonly (readonly [string, unknown])[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    return [[path, value] as const, ...(isGroup(value) ? settings(value, path) : [])];
  });
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Names, and what is a user's or a database's name. */
const noSecrets = ['secret.db.database', 'secret.dashboard.username', 'secret.smtp.username', 'secret.minio.user'];

export function chartFacts(valuesYaml: string, about: Pick<ChartFacts, 'source' | 'licence'>): ChartFacts {
  const [secretPart = ''] = valuesYaml.split(/^deployment:/m);
  // References to Secrets are there as comments.
  const optional = parse(secretPart.replace(/^( {4})# (\s*\w+:.*)$/gm, '$1$2')) as Values;
  const values = parse(valuesYaml) as Values;
  const keys = new Set([...settings(values), ...settings(optional)].map(([path]) => path));
  const secrets = settings(values).filter(
    ([path, value]) =>
      path.startsWith('secret.') && typeof value === 'string' && value !== '' && !noSecrets.includes(path),
  );
  return {
    ...about,
    keys: [...keys].sort(),
    secrets: Object.fromEntries(secrets.map(([path, value]) => [path, sha256(String(value))])),
  };
}
