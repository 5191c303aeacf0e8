import { ExitCode, HoldfastError } from '@holdfast/spec';
import type { Command } from 'commander';
import pc from 'picocolors';
import { runs } from '../../define-command.js';
import { withCluster } from '../../with-cluster.js';

interface Options {
  readonly follow?: boolean;
  readonly lines: string;
}

export function addLogs(program: Command): void {
  const command = program
    .command('logs')
    .description('what the units wrote; Patroni and its PostgreSQL share one log')
    .argument('[units...]', 'pg1, etcd2, haproxy, pgbouncer, supervisor …; all units when none is named')
    .option('-F, --follow', 'go on with what comes, until Ctrl-C')
    .option('-n, --lines <number>', 'how many of the last lines', '50');
  runs<Options>(
    command,
    [
      ['holdfast logs pg1', 'the last 50 lines of member pg1'],
      ['holdfast logs -F', 'everything as it comes'],
      ['holdfast logs haproxy -n 500 --json', 'one JSON document a line'],
    ],
    async (names, options, environment) =>
      await withCluster(environment, async (context) => {
        const known = [
          ...((await context.runtime.currentPlan(environment.signal))?.units.map(({ id }) => id) ?? []),
          'supervisor',
        ];
        const unknown = names.find((name) => !known.includes(name));
        if (unknown !== undefined) {
          throw new HoldfastError({
            code: 'HF_UNIT_UNKNOWN',
            message: `There is no unit "${unknown}".`,
            suggestion: `Known: ${known.join(', ')}.`,
            exitCode: ExitCode.usage,
          });
        }
        const units = names.length > 0 ? names : known.filter((name) => name !== 'supervisor');
        const lines = Number(options.lines);
        const width = Math.max(...units.map((name) => name.length), 0);
        const stream = context.runtime.logs(units, {
          lines: Number.isInteger(lines) && lines >= 0 ? lines : 50,
          follow: options.follow === true,
          signal: environment.signal,
        });
        for await (const line of stream) {
          process.stdout.write(
            options.json === true
              ? `${JSON.stringify(line)}\n`
              : `${units.length > 1 ? `${pc.cyan(line.unit.padEnd(width))} ` : ''}${line.text}\n`,
          );
        }
      }),
  );
}
