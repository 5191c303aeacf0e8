/** One numbered file of SQL, run once, in one transaction. */
export interface Migration {
  /** From the file's name; orders them. */
  readonly version: number;
  /** The file's name without number and ending: `roles`. */
  readonly name: string;
  readonly path: string;
  readonly sql: string;
  /** SHA-256 of the file, hexadecimal. */
  readonly checksum: string;
}

/** What the database remembers of one that ran. */
export interface RecordedMigration {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
}
