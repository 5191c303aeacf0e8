import { realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ExitCode, HoldfastError } from '@holdfast/spec';
import type { Command } from 'commander';
import { runs } from '../../define-command.js';
import { requireProcesses, secretsOf, withCluster } from '../../with-cluster.js';
import { renderServiceUnit } from './service-unit.js';

interface Options {
  readonly output?: string;
}

export function addInstallService(program: Command): void {
  const command = program
    .command('install-service')
    .description('write a systemd unit that starts this cluster with the machine')
    .option(
      '-o, --output <file>',
      'where to, - for standard output, default /etc/systemd/system/holdfast-NAME.service',
    );
  runs<Options>(
    command,
    [
      ['holdfast install-service', 'as root; then: systemctl enable --now holdfast-NAME'],
      ['holdfast install-service -o -', 'look at it first'],
    ],
    async (_args, { output }, environment) =>
      await withCluster(environment, async (context) => {
        requireProcesses(context, 'holdfast install-service');
        secretsOf(context);
        const unit = `holdfast-${context.spec.name}.service`;
        const path = output ?? join('/etc/systemd/system', unit);
        const text = renderServiceUnit({
          cluster: context.spec.name,
          node: process.execPath,
          cli: await realpath(fileURLToPath(new URL('../../holdfast.mjs', import.meta.url))),
          specFile: context.specFile,
          workingDirectory: context.specFile === undefined ? environment.cwd : dirname(context.specFile),
        });
        if (path === '-') {
          environment.output.result({ unit, file: null, text }, text);
          return;
        }
        await writeFile(path, text, { mode: 0o644 }).catch((cause: unknown) => {
          throw new HoldfastError({
            code: 'HF_SERVICE_WRITE',
            message: `${path} cannot be written.`,
            suggestion: 'Run it as root, or write it elsewhere: holdfast install-service -o FILE',
            exitCode: ExitCode.environment,
            cause,
          });
        });
        environment.output.result(
          { unit, file: path, text },
          `${path} is written. Now:\n  systemctl daemon-reload && systemctl enable --now ${unit}`,
        );
      }),
  );
}
