import { ExitCode, HoldfastError } from '@holdfast/spec';
import type { Command } from 'commander';
import pc from 'picocolors';
import { runs } from '../../define-command.js';
import { withCluster } from '../../with-cluster.js';

interface Options {
  readonly follow?: boolean;
  /** `-f` alone follows, as people know it; with a .yaml file it names the cluster, as in every command; with a unit it follows that. */
  readonly f?: string | true;
  readonly lines: string;
}

export function addLogs(program: Command): void {
  const command = program
    .command('logs')
    .description('what the units wrote; Patroni and its PostgreSQL share one log')
    .argument('[units...]', 'pg1, etcd2, haproxy, pgbouncer, supervisor …; all units when none is named')
    .option('-f [file]', 'follow: go on with what comes, until Ctrl-C; with a .yaml file: the cluster to use')
    .option('--follow', 'the same, also together with -f FILE')
    .option('--file <file>', 'the cluster to use, default ./holdfast.yaml if it is there')
    .option('-n, --lines <number>', 'how many of the last lines', '50');
  runs<Options>(
    command,
    [
      ['holdfast logs pg1', 'the last 50 lines of member pg1'],
      ['holdfast logs -f', 'everything as it comes'],
      ['holdfast logs pg1 -f', 'one member, as it comes'],
      ['holdfast logs haproxy -n 500 --json', 'one JSON document a line'],
    ],
    async (given, options, { file, ...rest }) => {
      const { names, follow, specFile } = readFlags(given, options);
      const environment = { ...rest, file: specFile ?? file };
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
          follow,
          signal: environment.signal,
        });
        for await (const line of stream) {
          process.stdout.write(
            options.json === true
              ? `${JSON.stringify(line)}\n`
              : `${units.length > 1 ? `${pc.cyan(line.unit.padEnd(width))} ` : ''}${line.text}\n`,
          );
        }
      });
    },
  );
}

/** Pure: what `-f` means, by what stands behind it. */
export function readFlags(
  names: readonly string[],
  { f, follow }: Pick<Options, 'f' | 'follow'>,
): { readonly names: readonly string[]; readonly follow: boolean; readonly specFile: string | undefined } {
  if (f === undefined) return { names, follow: follow === true, specFile: undefined };
  if (f === true) return { names, follow: true, specFile: undefined };
  if (/\.ya?ml$|\//.test(f)) return { names, follow: follow === true, specFile: f };
  return { names: [f, ...names], follow: true, specFile: undefined };
}
