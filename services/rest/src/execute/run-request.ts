import type { Cancellation, Database, Statement, StatementResult, TransactionOptions } from '@holdfast/postgres';
import type { QualifiedName } from '../schema-cache/types.js';
import { qualified } from '../sql/sql-text.js';
import { mainColumns } from '../sql/statement-sql.js';
import { contextStatement, type RequestContext } from './context-statement.js';
import type { StatementNames } from './statement-names.js';

/** With every value in its place. */
export interface RequestStatement {
  readonly text: string;
  readonly values: readonly (string | Buffer | null)[];
}

export interface RequestTransaction {
  readonly context: RequestContext;
  readonly preRequest: QualifiedName | null;
  readonly main: RequestStatement;
  /** EXPLAIN the main statement, with these options, and answer the plan. */
  readonly plan: { readonly format: 'text' | 'json'; readonly options: readonly string[] } | undefined;
  readonly estimate: RequestStatement | undefined;
  readonly access: TransactionOptions['access'];
  /** Run twice, it would leave the same behind. What is read only is so anyway. */
  readonly repeatable: boolean;
  readonly isolation: NonNullable<TransactionOptions['isolation']>;
  readonly end: 'commit' | 'rollback';
  readonly replica: boolean;
}

export type RequestResult =
  | { readonly kind: 'plan'; readonly text: string }
  | {
      readonly kind: 'rows';
      readonly total: number | undefined;
      readonly count: number;
      readonly body: string | Buffer;
      readonly headers: string | undefined;
      readonly status: string | undefined;
      readonly inserted: number | undefined;
      readonly location: string | undefined;
      readonly estimate: number | undefined;
    };

const byteaType = 17;
const bodyColumn = mainColumns.indexOf('body');

/** One transaction in one round trip. SQL errors reject as pg's DatabaseError; what guards it rejects so too. */
export async function runRequest(
  database: Database,
  names: StatementNames,
  request: RequestTransaction,
  signal: Cancellation,
): Promise<RequestResult> {
  const { main, plan, estimate, preRequest } = request;
  const statements: Statement[] = [named(contextStatement(request.context), names)];
  if (preRequest !== null) statements.push({ text: `SELECT ${qualified(preRequest)}()` });
  const mainAt = statements.length;
  statements.push(
    plan === undefined
      ? named(main, names)
      : {
          text: `EXPLAIN (${[`FORMAT ${plan.format}`, ...plan.options].join(', ')}) ${main.text}`,
          values: main.values,
        },
  );
  if (estimate !== undefined) statements.push({ text: estimate.text, values: estimate.values });
  // Deferred constraints would not be checked by a rollback.
  if (request.end === 'rollback') statements.push({ text: 'SET CONSTRAINTS ALL IMMEDIATE' });
  const results = await database.pipeline(
    statements,
    {
      access: request.access,
      isolation: request.isolation,
      end: request.end,
      repeatable: request.repeatable || request.access === 'read only',
      replica: request.replica,
    },
    signal,
  );
  const result = results[mainAt];
  if (result === undefined) throw new Error('the main statement has no result');
  if (plan !== undefined) return { kind: 'plan', text: `${result.rows.map(([line]) => line ?? '').join('\n')}\n` };
  return readMain(result, estimate === undefined ? undefined : results[mainAt + 1]);
}

function named(statement: Statement, names: StatementNames): Statement {
  const { text, values } = statement;
  const name = names.of(text);
  return name === undefined || values === undefined ? statement : { name, text, values };
}

function readMain(result: StatementResult, estimate: StatementResult | undefined): RequestResult {
  // In the order of `mainColumns`.
  const [total, count, body, headers, status, inserted, location] = result.rows[0] ?? [];
  const number = (text: string | null | undefined) => (typeof text === 'string' ? Number(text) : undefined);
  const isBytes = result.columns[bodyColumn]?.typeId === byteaType;
  return {
    kind: 'rows',
    total: number(total),
    count: number(count) ?? 0,
    body: isBytes ? bytesOf(body ?? '') : (body ?? ''),
    headers: headers ?? undefined,
    status: status ?? undefined,
    inserted: number(inserted),
    location: location ?? undefined,
    estimate: estimate === undefined ? undefined : estimatedRows(estimate.rows.map(([line]) => line ?? '').join('\n')),
  };
}

/** PostgreSQL's text of bytea, bytea_output being hex. */
function bytesOf(text: string): Buffer {
  return text.startsWith('\\x') ? Buffer.from(text.slice(2), 'hex') : Buffer.from(text, 'latin1');
}

function estimatedRows(plan: string): number | undefined {
  const found: unknown = JSON.parse(plan);
  const [first] = Array.isArray(found) ? found : [];
  const rows: unknown = first?.Plan?.['Plan Rows'];
  return typeof rows === 'number' ? rows : undefined;
}
