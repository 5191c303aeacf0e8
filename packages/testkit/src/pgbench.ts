import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a run of pgbench saw. */
export interface PgbenchRun {
  /** Acknowledged ones; each has inserted one row. */
  readonly transactions: number;
  /** Failed ones, and clients that gave up: what pgbench prints of them. Empty: none. */
  readonly failures: string;
  /** Of one transaction, with its wait. */
  readonly longestMilliseconds: number;
}

export interface Pgbench {
  /** Ends it in order, all transactions complete, and answers what it saw. */
  stop(): Promise<PgbenchRun>;
}

/** Where its transactions insert; made by the caller: `CREATE TABLE pgbench_rows (client int)`. */
export const pgbenchTable = 'pgbench_rows';

/** Eight clients that insert a row a transaction, as fast as they can. `reconnect`: each on a new connection. `folder` must exist. */
export async function startPgbench(
  url: string,
  options: { readonly folder: string; readonly reconnect?: boolean },
): Promise<Pgbench> {
  const script = join(options.folder, 'pgbench.sql');
  await writeFile(script, `INSERT INTO ${pgbenchTable} VALUES (:client_id);\n`);
  const how = ['-n', '-c', '8', '-j', '2', '-T', '600', '--max-tries=1', '--log', '--log-prefix=pgbench-log'];
  const child = spawn('pgbench', [...how, ...(options.reconnect === true ? ['-C'] : []), '-f', script, url], {
    cwd: options.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close');
  return {
    async stop() {
      // What ends it when its time (-T) is over.
      child.kill('SIGALRM');
      const killer = setTimeout(() => child.kill('SIGKILL'), 60_000);
      await ended;
      clearTimeout(killer);
      const transactions = /number of transactions actually processed: (\d+)/.exec(stdout)?.[1];
      const failed = /number of failed transactions: (\d+)/.exec(stdout)?.[1];
      const clean = child.exitCode === 0 && failed === '0' && !/error|abort|FATAL/i.test(stderr);
      return {
        transactions: Number(transactions),
        failures: clean ? '' : `exit ${child.exitCode}, failed ${failed}\n${stderr}`,
        longestMilliseconds: await longestIn(options.folder),
      };
    },
  };
}

/** The third field of a line is the microseconds that the transaction took (pgbench's manual, "Per-Transaction Logging"). */
async function longestIn(folder: string): Promise<number> {
  let longest = 0;
  for (const name of await readdir(folder)) {
    if (!name.startsWith('pgbench-log.')) continue;
    const path = join(folder, name);
    for (const line of (await readFile(path, 'utf8')).split('\n')) {
      const microseconds = Number(line.split(' ')[2]);
      if (microseconds > longest) longest = microseconds;
    }
    await rm(path);
  }
  return Math.round(longest / 1000);
}
