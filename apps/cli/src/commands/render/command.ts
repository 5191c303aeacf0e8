import { renderKubernetesToFolder, renderToFolder } from '@holdfast/cluster';
import { ExitCode, HoldfastError } from '@holdfast/spec';
import type { Command } from 'commander';
import { runs } from '../../define-command.js';

interface Options {
  readonly output: string;
}

export function addRender(program: Command): void {
  const command = program
    .command('render')
    .description('write every configuration file to a folder and start nothing; secrets stay out')
    .argument('[runtime]', 'process or kubernetes (docker comes later)', 'process')
    .requiredOption('-o, --output <folder>', 'an empty or new folder');
  runs<Options>(
    command,
    [
      ['holdfast render -o rendered', 'what `holdfast up` would run'],
      ['holdfast render kubernetes -o manifests', 'k8s/ for kubectl apply -k, supabase-helm/ for helm install'],
      ['holdfast render process -f staging.yaml -o /tmp/staging', 'another file'],
    ],
    async ([runtime = 'process'], { output: folder }, environment) => {
      if (runtime !== 'process' && runtime !== 'kubernetes') {
        throw new HoldfastError({
          code: 'HF_RUNTIME_UNAVAILABLE',
          message: `The runtime "${runtime}" is not part of this version.`,
          suggestion: 'holdfast render process -o FOLDER',
          exitCode: ExitCode.usage,
        });
      }
      const render = runtime === 'kubernetes' ? renderKubernetesToFolder : renderToFolder;
      const files = await render({
        file: environment.file,
        cwd: environment.cwd,
        folder,
        signal: environment.signal,
      });
      environment.output.result({ runtime, files }, files.join('\n'));
    },
  );
}
