import { composeMissing, dockerFailed, dockerMissing } from '../errors.js';
import { type CommandResult, runCommand } from '../process/tools/run-command.js';
import { judgeDockerFailure } from './engine-failure.js';

/** How long a question to an engine that answers may take, and an order that starts or stops containers. */
const questionMilliseconds = 20_000;
const orderMilliseconds = 300_000;

export interface EngineOptions {
  readonly signal: AbortSignal;
  readonly timeoutMilliseconds?: number;
  readonly onLine?: (line: string) => void;
}

/** The docker command against one engine. */
export interface Engine {
  /** Its standard output. Throws HF_DOCKER_… by what the command said. */
  docker(args: readonly string[], options: EngineOptions): Promise<string>;
  /** Compose on a rendered folder. */
  compose(folder: string, args: readonly string[], options: EngineOptions): Promise<string>;
}

/** `project`: of Compose. `host`: DOCKER_HOST of the engine; undefined: the one that the docker command talks to by itself. Does nothing until it is asked. */
export function createEngine(project: string, host: string | undefined): Engine {
  const env = host === undefined ? process.env : { ...process.env, DOCKER_HOST: host };
  const run = async (
    argv: readonly [string, ...string[]],
    options: EngineOptions & { readonly cwd?: string },
    name: string,
  ) => {
    const { timeoutMilliseconds = questionMilliseconds, ...rest } = options;
    let result: CommandResult;
    try {
      result = await runCommand(argv, { ...rest, timeoutMilliseconds, env });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw dockerMissing(argv[0], error);
      if (error instanceof Error && error.name === 'TimeoutError')
        throw dockerFailed(name, `no answer within ${timeoutMilliseconds / 1000} s`);
      throw error;
    }
    if (result.code !== 0) throw judgeDockerFailure(name, result.stderr + result.stdout);
    return result.stdout;
  };
  let found: Promise<readonly [string, ...string[]]> | undefined;
  return {
    docker: (args, options) => run(['docker', ...args], options, `docker ${args[0]}`),
    async compose(folder, args, options) {
      found ??= findCompose(env, options.signal);
      const [program, ...first] = await found;
      const own = ['--project-name', project, '--file', `${folder}/docker-compose.yml`];
      const settings = { timeoutMilliseconds: orderMilliseconds, ...options, cwd: folder };
      return await run([program, ...first, ...own, ...args], settings, [program, ...first, args[0]].join(' '));
    },
  };
}

/** Compose v2 as a plugin of docker, else docker-compose. */
async function findCompose(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<readonly [string, ...string[]]> {
  for (const argv of [['docker', 'compose'] as const, ['docker-compose'] as const]) {
    const [program, ...rest] = argv;
    const answer = await runCommand([program, ...rest, 'version'], {
      signal,
      timeoutMilliseconds: questionMilliseconds,
      env,
    }).catch(() => undefined);
    signal.throwIfAborted();
    if (answer?.code === 0) return argv;
  }
  throw composeMissing();
}
