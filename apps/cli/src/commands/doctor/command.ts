import { type Finding, runDoctor } from '@holdfast/cluster';
import { ExitCode } from '@holdfast/spec';
import type { Command } from 'commander';
import pc from 'picocolors';
import { runs } from '../../define-command.js';
import { indent } from '../../terminal/output.js';
import { withCluster } from '../../with-cluster.js';

interface Options {
  readonly all?: boolean;
}

const marks: Readonly<Record<Finding['severity'], string>> = {
  ok: pc.green('ok     '),
  info: pc.cyan('info   '),
  warning: pc.yellow('warning'),
  error: pc.red('error  '),
};

export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description('look for what is wrong or soon will be, each finding with its remedy')
    .option('--all', 'also show what is in order');
  runs<Options>(
    command,
    [
      ['holdfast doctor', 'findings only; exit code 1 when one is an error'],
      ['holdfast doctor --all', 'every check'],
      ['holdfast doctor --json | jq \'.findings[] | select(.severity != "ok")\'', 'for monitoring'],
    ],
    async (_args, { all }, environment) =>
      await withCluster(environment, async (context) => {
        environment.output.progress.step('Examining the cluster and the machine');
        const findings = await runDoctor(context, environment.signal);
        const shown = all === true ? findings : findings.filter(({ severity }) => severity !== 'ok');
        const lines = shown.map(
          ({ severity, what, remedy }) =>
            `${marks[severity]} ${what}${remedy === undefined ? '' : `\n${indent(indent(indent(`   ${remedy}`)))}`}`,
        );
        environment.output.result(
          { findings },
          lines.length === 0 ? `${pc.green('✔')} ${findings.length} checks, nothing found.` : lines.join('\n'),
        );
        return findings.some(({ severity }) => severity === 'error') ? ExitCode.failure : ExitCode.ok;
      }),
  );
}
