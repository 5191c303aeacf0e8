import { valueNotQuotable } from './errors.js';

export const environmentFormats = ['dotenv', 'json', 'shell'] as const;

export type EnvironmentFormat = (typeof environmentFormats)[number];

/**
 * `dotenv`: lines that parsers of .env files and `sh` (`set -a; . ./.env`) read the same; HF_ENV_VALUE where no quotes do that.
 * `shell`: lines for `eval`, any value. `json`: one object.
 */
export function renderEnvironment(values: Readonly<Record<string, string>>, format: EnvironmentFormat): string {
  if (format === 'json') return `${JSON.stringify(values, null, 2)}\n`;
  const lines = Object.entries(values).map(([name, value]) =>
    format === 'shell' ? `export ${name}=${quoteForShell(value)}` : `${name}=${quoteForDotenv(name, value)}`,
  );
  return `${lines.join('\n')}\n`;
}

function quoteForShell(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}

/**
 * A shell knows no way to put a single quote between single quotes, dotenv takes backslashes literally even between double ones, and
 * Next.js expands `$` whatever stands around it.
 */
function quoteForDotenv(name: string, value: string): string {
  if (/^[\w./:@%+,=?-]+$/.test(value)) return value;
  if (/^[^'\\$\p{Cc}]*$/u.test(value)) return `'${value}'`;
  if (/^[^"`\\$\p{Cc}]*$/u.test(value)) return `"${value}"`;
  throw valueNotQuotable(name);
}
