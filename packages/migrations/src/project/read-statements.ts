import { loadModule, parseSync } from 'libpg-query';

export interface SqlStatement {
  readonly text: string;
  /** Of its first word, counted from 1. */
  readonly line: number;
  /** BEGIN, COMMIT, ROLLBACK and the like; undefined: none of them. */
  readonly transaction: 'begin' | 'commit' | 'other' | undefined;
}

/** A file that is not SQL. */
export class SqlSyntaxError extends Error {
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.name = 'SqlSyntaxError';
    this.line = line;
  }
}

/** A file's statements, as PostgreSQL's own grammar takes it apart. Throws SqlSyntaxError. */
export async function readStatements(sql: string): Promise<readonly SqlStatement[]> {
  // The parser takes no empty text.
  if (sql.trim() === '') return [];
  await loadModule();
  const bytes = Buffer.from(sql);
  const lineAt = (offset: number) => bytes.subarray(0, offset).toString().split('\n').length;
  let parsed: ReturnType<typeof parseSync>;
  try {
    parsed = parseSync(sql);
  } catch (error) {
    const { message, sqlDetails } = error as Error & { sqlDetails?: { cursorPosition?: number } };
    const offset = Buffer.byteLength([...sql].slice(0, sqlDetails?.cursorPosition ?? 0).join(''));
    throw new SqlSyntaxError(message, lineAt(offset));
  }
  return (parsed.stmts ?? []).map(({ stmt, stmt_location: from = 0, stmt_len: length }) => {
    const text = bytes.subarray(from, length === undefined ? undefined : from + length).toString();
    const lead = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*/.exec(text)?.[0] ?? '';
    const kind = stmt !== undefined && 'TransactionStmt' in stmt ? stmt.TransactionStmt.kind : undefined;
    return {
      text: text.slice(lead.length).trimEnd(),
      line: lineAt(from + Buffer.byteLength(lead)),
      transaction: transactionOf(kind),
    };
  });
}

function transactionOf(kind: string | undefined): SqlStatement['transaction'] {
  if (kind === undefined) return undefined;
  if (kind === 'TRANS_STMT_BEGIN' || kind === 'TRANS_STMT_START') return 'begin';
  if (kind === 'TRANS_STMT_COMMIT') return 'commit';
  // Within a transaction, and no end to it.
  if (/SAVEPOINT|RELEASE|ROLLBACK_TO/.test(kind)) return undefined;
  return 'other';
}
