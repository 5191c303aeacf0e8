import { renderToFolder } from '@holdfast/cluster';
import type { RuntimeKind } from '@holdfast/spec';
import { Argument, type Command } from 'commander';
import { runs } from '../../define-command.js';

interface Options {
  readonly output: string;
}

export function addRender(program: Command): void {
  const command = program
    .command('render')
    .description('write every configuration file to a folder and start nothing; secrets stay out')
    .addArgument(
      new Argument('[runtime]', 'for whom; default: what the file says').choices(['process', 'docker', 'kubernetes']),
    )
    .requiredOption('-o, --output <folder>', 'an empty or new folder');
  runs<Options>(
    command,
    [
      ['holdfast render -o rendered', 'what `holdfast up` would run'],
      ['holdfast render docker -o compose', 'docker-compose.yml, what its images are built from, and how to use it'],
      ['holdfast render kubernetes -o manifests', 'k8s/ for kubectl apply -k, supabase-helm/ for helm install'],
      ['holdfast render process -f staging.yaml -o /tmp/staging', 'another file'],
    ],
    async ([asked], { output: folder }, environment) => {
      const { runtime, files } = await renderToFolder({
        runtime: asked as RuntimeKind | undefined,
        file: environment.file,
        cwd: environment.cwd,
        folder,
        signal: environment.signal,
      });
      environment.output.result({ runtime, files }, files.join('\n'));
    },
  );
}
