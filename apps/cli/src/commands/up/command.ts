import { endpoints, fetchStatus, type UpResult, up } from '@holdfast/cluster';
import type { UnitChange } from '@holdfast/runtime';
import type { RuntimeKind } from '@holdfast/spec';
import { type Command, Option } from 'commander';
import pc from 'picocolors';
import { type CommandEnvironment, runs } from '../../define-command.js';
import { parseSeconds } from '../../parse-seconds.js';
import { askToConfirm } from '../../terminal/confirm.js';
import { renderTable } from '../../terminal/table.js';

import { describeMembers } from '../status/describe-status.js';

interface Options {
  readonly install: boolean;
  readonly runtime?: RuntimeKind;
  readonly timeout: string;
  readonly yes?: boolean;
}

export function addUp(program: Command): void {
  const command = program
    .command('up')
    .description('start the cluster, or bring a running one to what holdfast.yaml says now')
    .addOption(
      new Option('--runtime <runtime>', 'what runs the parts; later commands know it by themselves').choices([
        'process',
        'docker',
        'kubernetes',
      ]),
    )
    .option('--no-install', 'never install anything, nor build an image')
    .option('--timeout <seconds>', 'how long to wait for each phase', '120')
    .option('--yes', 'restart members of a running cluster without asking where the change needs it');
  runs<Options>(
    command,
    [
      ['holdfast up', 'the cluster of ./holdfast.yaml, or the default one'],
      ['holdfast up -f staging.yaml', 'another file'],
      ['holdfast up --runtime docker', 'as containers, on the engine that the docker command talks to'],
      ['holdfast up --runtime kubernetes', 'as pods, in the cluster that kubectl talks to'],
      ['holdfast up --no-install', 'fail with the command to run when a package is missing'],
      ['holdfast up --json | jq .endpoints', 'for scripts'],
    ],
    async (_args, options, environment) => {
      const result = await up({
        file: environment.file,
        cwd: environment.cwd,
        runtime: options.runtime,
        install: options.install,
        timeoutSeconds: parseSeconds(options.timeout, '--timeout', 'holdfast up --timeout 300'),
        signal: environment.signal,
        progress: environment.output.progress,
        approve: async (changes) => await approve(changes, options.yes === true, environment),
      });
      try {
        const report = await fetchStatus(result.context, environment.signal);
        const { changes, settings, pendingRestart, schema, phases } = result;
        environment.output.result(
          {
            changed: changes.length > 0 || settings.length > 0 || schema.length > 0,
            changes,
            settings,
            pendingRestart,
            schema,
            phases,
            ...report,
          },
          [describeChanges(result), describeMembers(report), describeEndpoints(result)]
            .filter((text) => text !== '')
            .join('\n\n'),
        );
        for (const warning of result.context.spec.warnings) environment.output.note(`${pc.yellow('note')} ${warning}`);
      } finally {
        await result.context.runtime[Symbol.asyncDispose]();
      }
    },
  );
}

/** Only a restart of what holds data interrupts somebody; the rest is applied without a question. */
async function approve(
  changes: readonly UnitChange[],
  yes: boolean,
  environment: CommandEnvironment,
): Promise<boolean> {
  environment.output.note(['Changes:', ...changes.map(describeChange)].join('\n'));
  const disruptive = changes.filter(
    ({ unit, action }) => (action === 'restart' || action === 'remove') && /^(pg|etcd)\d+$/.test(unit),
  );
  if (disruptive.length === 0) return true;
  return await askToConfirm(
    `${disruptive.map(({ unit, action }) => `${action} ${unit}`).join(', ')}, one after the other?`,
    yes,
    environment,
  );
}

function describeChange({ unit, action, because }: UnitChange): string {
  return `  ${action.padEnd(7)} ${unit}${because.length > 0 ? pc.dim(`  (${because.join(', ')})`) : ''}`;
}

function describeChanges({ context, changes, settings, pendingRestart, schema }: UpResult): string {
  const name = pc.bold(context.spec.name);
  if (changes.length === 0 && settings.length === 0 && schema.length === 0)
    return `${pc.green('✔')} ${name} is up already; nothing was changed.`;
  const lines = [`${pc.green('✔')} ${name} is up.`, ...settings.map((line) => `  set ${line}`)];
  if (pendingRestart.length > 0) {
    lines.push(
      `  ${pc.yellow('Waiting for a restart')} to take effect: ${pendingRestart.map((member) => `holdfast restart ${member}`).join('; ')}`,
    );
  }
  return lines.join('\n');
}

function describeEndpoints({ context }: UpResult): string {
  const urls = endpoints(context.spec.inside ?? context.spec);
  const command = process.env.HOLDFAST_COMMAND ?? 'holdfast';
  const rows = [
    ['read-write', urls.readWrite, `psql "$(${command} url rw)"`],
    ['read-only', urls.readOnly, `psql "$(${command} url ro)"`],
    ...(urls.pooler === null ? [] : [['pooler', urls.pooler, `psql "$(${command} url pooler)"`]]),
    ...(urls.api === null ? [] : [['Supabase API', urls.api, `eval "$(${command} env --format shell)"`]]),
    ['HAProxy statistics', urls.haproxyStats, `${command} url stats`],
  ];
  return renderTable(['ENDPOINT', 'ADDRESS', 'CONNECT'], rows);
}
