import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { specFileName } from '@holdfast/cluster';
import { ExitCode, HoldfastError, initTemplate, parseSpecFile } from '@holdfast/spec';
import type { Command } from 'commander';
import { runs } from '../../define-command.js';

interface Options {
  readonly name?: string;
  readonly members?: string;
}

export function addInit(program: Command): void {
  const command = program
    .command('init')
    .description('write a holdfast.yaml with every setting, explained and commented out')
    .option('--name <name>', 'name of the cluster')
    .option('--members <number>', 'number of PostgreSQL members');
  runs<Options>(
    command,
    [
      ['holdfast init', 'writes ./holdfast.yaml; never over an existing file'],
      ['holdfast init --name shop --members 5', 'with these set'],
      ['holdfast init -f staging.yaml', 'another file'],
    ],
    async (_args, { name, members }, environment) => {
      const path = resolve(environment.cwd, environment.file ?? specFileName);
      const text = initTemplate({
        schemaPath: fileURLToPath(import.meta.resolve('@holdfast/spec/holdfast.schema.json')),
        ...(name === undefined ? {} : { name }),
        ...(members === undefined ? {} : { members: Number(members) }),
      });
      parseSpecFile(text, path);
      await writeNew(path, text);
      environment.output.result({ file: path }, `${path} is written. Start the cluster with: holdfast up`);
    },
  );
}

async function writeNew(path: string, text: string): Promise<void> {
  try {
    await using file = await open(path, 'wx', 0o644);
    await file.writeFile(text);
  } catch (cause) {
    const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    throw new HoldfastError({
      code: exists ? 'HF_INIT_EXISTS' : 'HF_INIT_WRITE',
      message: exists ? `${path} is there already; it was not touched.` : `${path} cannot be written.`,
      ...(exists || !(cause instanceof Error) ? {} : { detail: cause.message }),
      suggestion: exists
        ? 'Edit it, or write another file: holdfast init -f FILE'
        : 'Choose a folder that you may write to.',
      exitCode: ExitCode.usage,
      cause,
    });
  }
}
