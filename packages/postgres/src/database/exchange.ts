import pg from 'pg';
import type { Statement, StatementResult } from '../database.js';
import { encodeValue } from './encode-value.js';
import type { PreparedStatements } from './prepared-statements.js';

/** What a statement answered, and the command's own word for it (`COMMIT`, `INSERT 0 1`). */
export interface Completed extends StatementResult {
  readonly tag: string;
}

/** What pg's Connection takes, which its published types say differently (pg 8.23, lib/connection.js; pg-protocol, serializer). */
interface Wire {
  parse(message: { readonly name: string; readonly text: string }): void;
  bind(message: {
    readonly portal: string;
    readonly statement: string;
    readonly values: readonly (string | Buffer | null)[];
    readonly valueMapper: (value: unknown) => unknown;
  }): void;
  describe(message: { readonly type: 'P'; readonly name: string }): void;
  execute(message: { readonly portal: string; readonly rows: number }): void;
  close(message: { readonly type: 'S'; readonly name: string }): void;
  flush(): void;
  sync(): void;
  sendCopyFail(reason: string): void;
}

const parametersAtMost = 65_535;
const noColumns: readonly { readonly name: string; readonly typeId: number }[] = [];

/**
 * Statements that are sent together and end in one Sync (PostgreSQL manual, 55.2.3 and 55.2.4): the server runs them one after the other, and once one
 * fails skips all that follow up to the Sync. So nothing of a transaction runs when its BEGIN did not, and nothing is committed after an error. pg's own
 * pipelining puts a Sync behind each statement, which lacks that and costs a write a statement on both sides.
 *
 * pg's Client calls the methods as messages come; it forgets its query at an error, so whoever owns the connection watches for what ends one.
 */
export class Exchange implements pg.Submittable {
  readonly completed: Completed[] = [];
  /** The first error that the server answered with. */
  failure: pg.DatabaseError | undefined;

  readonly #statements: readonly Statement[];
  readonly #flushAfter: number | undefined;
  readonly #prepared: PreparedStatements;
  readonly #onReady: () => void;
  /** Statements that were parsed in this exchange and have not been confirmed. */
  readonly #parsing: Statement[] = [];
  /** Of each statement in turn, where they are known already: the server is not asked for them again. */
  readonly #known: (StatementResult['columns'] | undefined)[] = [];
  #columns = noColumns;
  #rows: (string | null)[][] = [];

  /** `flushAfter`: the server sends what it has as soon as it has run so many statements, instead of at the end. */
  constructor(
    statements: readonly Statement[],
    prepared: PreparedStatements,
    onReady: () => void,
    flushAfter: number | undefined,
  ) {
    this.#statements = statements;
    this.#prepared = prepared;
    this.#onReady = onReady;
    this.#flushAfter = flushAfter;
  }

  /** One write for all of it: some fifteen small ones, even corked, cost a third of what the whole exchange does. */
  submit(connection: pg.Connection): void {
    const messages: Buffer[] = [];
    const stream = { writable: true, write: (message: Buffer) => messages.push(message) > 0 };
    // Its methods send by its stream.
    const wire = Object.create(connection, { stream: { value: stream } }) as Wire;
    this.#statements.forEach((statement, index) => {
      this.#send(wire, statement);
      if (index + 1 === this.#flushAfter) wire.flush();
    });
    wire.sync();
    connection.stream.write(Buffer.concat(messages));
  }

  #send(wire: Wire, statement: Statement): void {
    const { text, name = '' } = statement;
    if (name === '' || !this.#prepared.has(name)) {
      for (const old of this.#prepared.makeRoom(name)) wire.close({ type: 'S', name: old });
      wire.parse({ name, text });
      this.#parsing.push(statement);
      // A later statement of the same exchange finds it there.
      this.#prepared.add(name, text);
    }
    wire.bind({ portal: '', statement: name, values: statement.values?.map(encodeValue) ?? [], valueMapper: keep });
    const known = name === '' ? undefined : this.#prepared.columnsOf(name);
    this.#known.push(known);
    if (known === undefined) wire.describe({ type: 'P', name: '' });
    wire.execute({ portal: '', rows: 0 });
  }

  /** ParseComplete. */
  parsed(): void {
    this.#parsing.shift();
  }

  /** After the exchange: what the server never confirmed must be parsed again. */
  forgetUnparsed(): void {
    for (const { name } of this.#parsing) if (name !== undefined) this.#prepared.delete(name);
  }

  handleRowDescription(message: { readonly fields: readonly pg.FieldDef[] }): void {
    this.#columns = message.fields.map(({ name, dataTypeID }) => ({ name, typeId: dataTypeID }));
  }

  handleDataRow(message: { readonly fields: (string | null)[] }): void {
    this.#rows.push(message.fields);
  }

  handleCommandComplete(message: { readonly text: string }): void {
    this.#complete(message.text);
  }

  handleEmptyQuery(): void {
    this.#complete('');
  }

  handleCopyInResponse(connection: pg.Connection): void {
    (connection as unknown as Wire).sendCopyFail('COPY FROM STDIN is not possible');
  }

  handleCopyData(): void {}

  handlePortalSuspended(): void {}

  handleError(error: unknown): void {
    if (error instanceof pg.DatabaseError) this.failure ??= error;
  }

  handleReadyForQuery(): void {
    this.#onReady();
  }

  #complete(tag: string): void {
    const count = Number(tag.slice(tag.lastIndexOf(' ') + 1));
    const at = this.completed.length;
    const known = this.#known[at];
    const { name = '' } = this.#statements[at] ?? {};
    if (known === undefined && name !== '') this.#prepared.describe(name, this.#columns);
    const columns = known ?? this.#columns;
    this.completed.push({ columns, rows: this.#rows, count: Number.isNaN(count) ? 0 : count, tag });
    this.#columns = noColumns;
    this.#rows = [];
  }
}

/** Throws, as PostgreSQL would, what the protocol has no form for; asked before anything is sent. Pure. */
export function assertSendable(statements: readonly Statement[], prepared: PreparedStatements): void {
  const names = new Map<string, string>();
  for (const { text, values, name } of statements) {
    // Text ends at a NUL byte in the protocol: what is behind it would be read as something else.
    if (text.includes('\0')) throw refusal('22021', 'invalid byte sequence for encoding "UTF8": 0x00');
    if (values !== undefined && values.length > parametersAtMost) {
      throw refusal(
        '54023',
        `a statement has ${values.length} parameters, and at most ${parametersAtMost} are possible`,
      );
    }
    if (name === undefined) continue;
    const known = names.get(name) ?? prepared.textOf(name);
    if (known !== undefined && known !== text)
      throw new Error(`The statement ${name} stands for another text already.`);
    names.set(name, text);
  }
}

function refusal(code: string, message: string): pg.DatabaseError {
  const error = new pg.DatabaseError(message, 0, 'error');
  error.code = code;
  error.severity = 'ERROR';
  return error;
}

function keep(value: unknown): unknown {
  return value;
}
