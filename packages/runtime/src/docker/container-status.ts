import type { UnitState, UnitStatus } from '../runtime.js';
import { labels } from './compose-service.js';
import { type ContainerProcess, partOf } from './container-processes.js';

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

/**
 * The state of every unit in a container, told apart by its processes; undefined: the engine is elsewhere, and the container's first process
 * stands for all. A member's health check asks Patroni; its agent is ready when it runs. Pure.
 */
export function unitsIn(
  container: Inspection,
  processes: readonly ContainerProcess[] | undefined,
): readonly UnitStatus[] {
  const { State, RestartCount } = container;
  const running = State.Pid > 0;
  return labelledUnits(container).map(({ id, component }): UnitStatus => {
    const isAgent = component === 'agent';
    const own = processes?.filter((each) => partOf(each) === (isAgent ? 'agent' : 'main')).map(({ pid }) => pid);
    const pids = running ? (own ?? [State.Pid]) : [];
    const isGone = running && pids.length === 0;
    return {
      id,
      component,
      state: isGone ? 'stopped' : isAgent && own !== undefined && running ? 'ready' : stateOf(container),
      pid: pids[0],
      pids,
      since: running || State.FinishedAt.startsWith('0001') ? State.StartedAt : State.FinishedAt,
      restarts: RestartCount,
      lastEnd: State.FinishedAt.startsWith('0001') ? undefined : endOf(State),
      lastOutput: undefined,
      nextStartAt: undefined,
    };
  });
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
