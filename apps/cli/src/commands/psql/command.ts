import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { endpoints } from '@holdfast/cluster';
import { findProgram } from '@holdfast/runtime';
import { ExitCode, HoldfastError } from '@holdfast/spec';
import type { Command } from 'commander';
import { runs } from '../../define-command.js';
import { secretsOf, withCluster } from '../../with-cluster.js';

interface Options {
  readonly ro?: boolean;
  readonly database: string;
}

export function addPsql(program: Command): void {
  const command = program
    .command('psql')
    .description('open psql on the primary; what stands after -- goes to psql')
    .argument('[arguments...]', 'what psql gets, after --')
    .option('--ro', 'on a replica')
    .option('-d, --database <name>', 'database', 'postgres');
  runs<Options>(
    command,
    [
      ['holdfast psql', 'interactive, on the primary'],
      ["holdfast psql -- -c 'SELECT version()'", 'one statement'],
      ['holdfast psql --ro -d app', 'another database, on a replica'],
    ],
    async (args, options, environment) =>
      await withCluster(environment, async (context) => {
        const { readWrite, readOnly } = endpoints(context.spec);
        const url = new URL(options.ro === true ? readOnly : readWrite);
        const psql = await findProgram('psql');
        if (psql === undefined) {
          throw new HoldfastError({
            code: 'HF_PSQL_MISSING',
            message: 'psql is not installed.',
            suggestion: 'sudo apt-get install postgresql-client',
            exitCode: ExitCode.environment,
          });
        }
        // The password goes by environment: argv is visible to everybody on the machine.
        const child = spawn(psql, ['-d', options.database, ...args], {
          stdio: 'inherit',
          env: {
            ...process.env,
            PGHOST: url.hostname.replace(/^\[|\]$/g, ''),
            PGPORT: url.port,
            PGUSER: 'postgres',
            PGPASSWORD: secretsOf(context).postgres,
          },
        });
        // Ctrl-C belongs to psql while it runs: it cancels a query and does not end the session.
        return await new Promise<number>((resolve, reject) => {
          child.once('error', reject);
          child.once('close', (code, signal) =>
            resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
          );
        });
      }),
  );
}
