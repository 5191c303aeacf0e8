import { type Servable, servable, serve } from '@holdfast/cluster';
import { Argument, type Command } from 'commander';
import { runs } from '../../define-command.js';
import { usageError } from '../../usage-error.js';
import { requireProcesses, withCluster } from '../../with-cluster.js';

interface Options {
  readonly port?: string;
  readonly host?: string;
  readonly auth?: string;
  readonly rest?: string;
}

export function addServe(program: Command): void {
  const command = program
    .command('serve')
    .description("run Supabase's API, or one service of it, in the foreground")
    .addArgument(
      new Argument('[what]', 'gateway: the gateway with all services that are not named elsewhere')
        .choices([...servable])
        .default('all'),
    )
    .option('-p, --port <port>', "where to listen; default: the API's port in the spec")
    .option('--host <address>', 'where to listen; default: the address of the cluster')
    .option('--auth <url>', 'where Auth runs, for the gateway')
    .option('--rest <url>', 'where REST runs, for the gateway');
  runs<Options>(
    command,
    [
      ['holdfast serve --port 8010', 'the gateway, Auth and REST, as holdfast up runs them'],
      ['holdfast serve rest --port 8001', 'REST alone, at http://127.0.0.1:8001/rest/v1'],
      [
        'holdfast serve gateway --port 8002 --rest http://127.0.0.1:8001/rest/v1',
        'the gateway and Auth, in front of that REST',
      ],
    ],
    async ([what], options, { signal, ...environment }) =>
      await withCluster({ signal, ...environment }, async (context) => {
        requireProcesses(context, 'holdfast serve');
        const { auth, rest } = options;
        return await serve(context, {
          what: (what ?? 'all') as Servable,
          host: options.host ?? context.spec.listen,
          port: readPort(options.port),
          upstreams: { ...(auth === undefined ? {} : { auth }), ...(rest === undefined ? {} : { rest }) },
          signal,
        });
      }),
  );
}

function readPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw usageError(`--port must be from 1 to 65535, not ${text}`, 'holdfast serve rest --port 8001');
  return port;
}
