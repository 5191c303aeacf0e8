import { setTimeout as sleep } from 'node:timers/promises';
import { fetchStatus } from '@holdfast/cluster';
import { ExitCode } from '@holdfast/spec';
import type { Command } from 'commander';
import { runs } from '../../define-command.js';
import { secretsOf, withCluster } from '../../with-cluster.js';

import { describeStatus } from './describe-status.js';

interface Options {
  readonly watch?: boolean | string;
}

export function addStatus(program: Command): void {
  const command = program
    .command('status')
    .description('what runs where, and is it healthy')
    .option('-w, --watch [seconds]', 'look again and again until Ctrl-C (with --json: one document a line)');
  runs<Options>(
    command,
    [
      ['holdfast status', 'one look; exit code 0 healthy or degraded, 4 down'],
      ['holdfast status --watch', 'every two seconds'],
      ['holdfast status --json | jq -r .leader', 'the name of the primary'],
    ],
    async (_args, { watch, json }, environment) =>
      await withCluster(environment, async (context) => {
        secretsOf(context);
        if (watch === undefined) {
          const report = await fetchStatus(context, environment.signal);
          environment.output.result(report, describeStatus(report));
          return report.health === 'down' ? ExitCode.state : ExitCode.ok;
        }
        const seconds = typeof watch === 'string' && Number(watch) > 0 ? Number(watch) : 2;
        while (!environment.signal.aborted) {
          const report = await fetchStatus(context, environment.signal).catch(() => undefined);
          if (report !== undefined)
            show(json === true ? JSON.stringify(report) : describeStatus(report), json === true);
          await sleep(seconds * 1000, undefined, { signal: environment.signal }).catch(() => {});
        }
        return ExitCode.ok;
      }),
  );
}

function show(text: string, isDocument: boolean): void {
  if (isDocument || process.stdout.isTTY !== true) process.stdout.write(`${text}\n`);
  else process.stdout.write(`\x1b[H\x1b[2J${text}\n`);
}
