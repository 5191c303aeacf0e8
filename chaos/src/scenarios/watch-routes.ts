import { setTimeout as sleep } from 'node:timers/promises';
import { timeLimit } from '@holdfast/spec';
import type { FaultWorld } from '../faults/fault.js';
import type { Recorder } from '../history/recorder.js';

const intervalMilliseconds = 50;
const patroniMilliseconds = 200;
const answerMilliseconds = 500;

/** Who is the primary, told again and again while it is open. */
export interface RouteWatch extends AsyncDisposable {
  /** Whom HAProxy sends writers to; undefined: nobody, or it does not answer. */
  route(): string | undefined;
}

/** Records every change of the route (what HAProxy's checks say) and of who says of itself that it is a running primary. */
export function watchRoutes({ context }: FaultWorld, recorder: Recorder): RouteWatch {
  const stop = new AbortController();
  const { signal } = stop;
  let route: readonly string[] | undefined;
  const told = { route: '', primary: '' };
  const tell = (event: 'route' | 'primary', targets: readonly string[] | undefined) => {
    const name = targets === undefined ? 'unknown' : targets.join(', ') || 'none';
    if (told[event] === name) return;
    told[event] = name;
    recorder.record({ type: 'event', event, phase: 'at', name, targets: targets ?? [] });
  };
  const claims = new Map<string, boolean>();

  const lookAtRoutes = async () => {
    const rows = await context.clients.haproxy.statistics(limited(signal)).catch(() => undefined);
    const names = rows
      ?.filter(({ proxy, status }) => proxy === 'primary' && /^UP\b/.test(status))
      .map(({ server }) => server)
      .filter((server) => context.spec.members.some(({ name }) => name === server));
    if (signal.aborted) return;
    route = names;
    tell('route', names);
  };
  const lookAtMember = async (member: (typeof context.clients.patroni)[number]) => {
    const state = await member.client.state(limited(signal)).catch(() => undefined);
    if (signal.aborted) return;
    claims.set(member.member, state?.role === 'primary' && state.state === 'running');
    tell(
      'primary',
      [...claims].filter(([, claims]) => claims).map(([name]) => name),
    );
  };
  const repeat = async (look: () => Promise<void>, every: number) => {
    while (!signal.aborted) {
      const began = performance.now();
      await look();
      const rest = every - (performance.now() - began);
      await sleep(Math.max(1, rest), undefined, { signal }).catch(() => undefined);
    }
  };
  const all = Promise.all([
    repeat(lookAtRoutes, intervalMilliseconds),
    ...context.clients.patroni.map(
      async (member) => await repeat(async () => await lookAtMember(member), patroniMilliseconds),
    ),
  ]);
  return {
    route: () => (route?.length === 1 ? route[0] : undefined),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await all;
    },
  };
}

function limited(signal: AbortSignal): AbortSignal {
  return timeLimit(signal, answerMilliseconds);
}
