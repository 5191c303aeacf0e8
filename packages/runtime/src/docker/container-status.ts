import type { UnitState, UnitStatus } from '../runtime.js';
import { labels } from './compose-service.js';

/** What `docker container inspect` says of one container, as far as it is read here. */
export interface Inspection {
  readonly Id: string;
  readonly Name: string;
  readonly Image: string;
  readonly RestartCount: number;
  readonly Config: { readonly Labels: Readonly<Record<string, string>> };
  readonly HostConfig: {
    readonly PortBindings: Readonly<Record<string, readonly { readonly HostPort: string }[]>> | null;
  };
  readonly State: {
    /** created, running, paused, restarting, removing, exited, dead */
    readonly Status: string;
    readonly Pid: number;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
    readonly Error: string;
    readonly StartedAt: string;
    readonly FinishedAt: string;
    readonly Health?: { readonly Status: string };
  };
}

/** The state of every unit in a container. Pure. Both of a member's are as ready as their container: its health check asks Patroni. */
export function unitsIn(container: Inspection): readonly UnitStatus[] {
  const { State, RestartCount } = container;
  const running = State.Pid > 0;
  return labelledUnits(container).map(({ id, component }) => ({
    id,
    component,
    state: stateOf(container),
    // Of the first process, in the engine's host; it stands for all of them.
    pid: running ? State.Pid : undefined,
    pids: running ? [State.Pid] : [],
    since: running || State.FinishedAt.startsWith('0001') ? State.StartedAt : State.FinishedAt,
    restarts: RestartCount,
    lastEnd: State.FinishedAt.startsWith('0001') ? undefined : endOf(State),
    lastOutput: undefined,
    nextStartAt: undefined,
  }));
}

/** What the container was made for. */
export function labelledUnits({ Config }: Inspection): readonly { readonly id: string; readonly component: string }[] {
  const words = (Config.Labels[labels.units] ?? '').split(' ').filter((word) => word !== '');
  return words.map((word) => {
    const [id = '', component = ''] = word.split('=');
    return { id, component };
  });
}

function stateOf({ State }: Inspection): UnitState {
  switch (State.Status) {
    case 'running':
    case 'paused':
      return State.Health === undefined || State.Health.Status === 'healthy' ? 'ready' : 'starting';
    case 'restarting':
      return 'backoff';
    case 'created':
      return 'waiting';
    case 'removing':
      return 'stopping';
    default:
      return 'stopped';
  }
}

function endOf({ ExitCode, OOMKilled, Error: error }: Inspection['State']): string {
  if (OOMKilled) return 'out of memory';
  if (error !== '') return error;
  return ExitCode > 128 ? (signals.get(ExitCode - 128) ?? `signal ${ExitCode - 128}`) : `exit ${ExitCode}`;
}

const signals = new Map([
  [2, 'SIGINT'],
  [6, 'SIGABRT'],
  [9, 'SIGKILL'],
  [11, 'SIGSEGV'],
  [15, 'SIGTERM'],
]);
