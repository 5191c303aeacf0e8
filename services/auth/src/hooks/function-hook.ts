import { type Database, quoteIdentifier } from '@holdfast/postgres';
import { internalError, unprocessable } from '../errors.js';

export interface FunctionPlace {
  readonly schema: string;
  readonly name: string;
}

const timeoutMilliseconds = 2000;

/** `pg-functions://postgres/<schema>/<function>`; undefined for every other URI. */
export function parseFunctionUri(uri: string): FunctionPlace | undefined {
  const [, schema, name] = /^pg-functions:\/\/[^/]+\/([^/]+)\/([^/]+)$/.exec(uri) ?? [];
  return schema === undefined || name === undefined ? undefined : { schema, name };
}

/** Calls `schema.name(jsonb) RETURNS jsonb` in a transaction of its own. */
export async function callFunction(
  { schema, name }: FunctionPlace,
  input: Readonly<Record<string, unknown>>,
  database: Database,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const call = `SELECT ${quoteIdentifier(schema)}.${quoteIdentifier(name)}($1::jsonb)::text`;
  try {
    const [, answer] = await database.pipeline(
      [
        { text: `SET LOCAL statement_timeout = ${timeoutMilliseconds}` },
        { text: call, values: [JSON.stringify(input)] },
      ],
      { access: 'read write' },
      signal,
    );
    const value: unknown = JSON.parse(answer?.rows[0]?.[0] ?? '{}');
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
    return value as Readonly<Record<string, unknown>>;
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (code === '57014') {
      throw unprocessable(
        'hook_timeout',
        `Failed to reach hook within maximum time of ${timeoutMilliseconds / 1000} seconds`,
      );
    }
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code))
      throw internalError(`Error running hook URI: ${schema}.${name}`, error);
    throw error;
  }
}
