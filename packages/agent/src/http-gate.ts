import type { IncomingMessage, ServerResponse } from 'node:http';
import { currentReport } from './evidence.js';
import { judgeGate } from './gate.js';
import type { Metrics } from './metrics.js';
import type { AgentView } from './view.js';

/** Answers of the agent's HTTP side. 200 means yes, 503 no; the body says why, as JSON. */
export function answerHttp(
  request: IncomingMessage,
  response: ServerResponse,
  view: AgentView,
  metrics: Metrics,
  takeLongestPause: () => number,
): void {
  const path = request.url?.split('?')[0] ?? '/';
  if (request.method !== 'GET' && request.method !== 'HEAD' && request.method !== 'OPTIONS') {
    send(response, 405, 'application/json', `${JSON.stringify({ error: 'only GET, HEAD and OPTIONS' })}\n`);
    return;
  }
  if (path === '/metrics') {
    send(response, 200, 'text/plain; version=0.0.4', metrics.render(view.me, gauges(view, takeLongestPause())));
    return;
  }
  const answer = judgeRoute(path, view);
  const status = answer === undefined ? 404 : answer ? 200 : 503;
  send(response, status, 'application/json', `${JSON.stringify(describe(view))}\n`);
}

/** Pure. Undefined: there is no such page. `/primary` is true only with a fresh proof; what is unsure is not true. */
export function judgeRoute(path: string, view: AgentView): boolean | undefined {
  const { own, dcs, me } = view;
  const primary = judgeGate(view) === 'up';
  const replica = own.postgres === 'standby' && own.patroni;
  const listed = dcs?.keys.sync.standbys.includes(me) === true;
  switch (path) {
    case '/primary':
    case '/read-write':
      return primary;
    case '/replica':
      return replica;
    case '/sync':
      return replica && listed;
    case '/read-only':
      return primary || replica;
    case '/health':
      return own.postgres === 'primary' || own.postgres === 'standby';
    case '/':
    case '/liveness':
      return true;
    default:
      return undefined;
  }
}

function describe(view: AgentView) {
  const { own, dcs } = view;
  return {
    member: view.me,
    gate: judgeGate(view),
    postgres: own.postgres,
    patroni: own.patroni,
    leader: dcs?.keys.leader,
    synchronousStandbys: dcs?.keys.sync.standbys ?? [],
    proofAgeMilliseconds: own.proof === undefined ? undefined : Math.round(own.proof),
    others: Object.fromEntries(
      [...view.others].map(([name, sight]) => [
        name,
        {
          silentMilliseconds: sight.silent === undefined ? undefined : Math.round(sight.silent),
          refusing: sight.refusing !== undefined,
          says: currentReport(sight)?.postgres,
        },
      ]),
    ),
  };
}

function gauges(view: AgentView, longestPause: number): Readonly<Record<string, number>> {
  const silent = [...view.others.values()].map((sight) => sight.silent ?? 0);
  return {
    gate_up: judgeGate(view) === 'up' ? 1 : 0,
    proof_age_seconds: (view.own.proof ?? -1000) / 1000,
    longest_silence_seconds: Math.max(0, ...silent) / 1000,
    longest_pause_seconds: longestPause / 1000,
  };
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), connection: 'close' });
  response.end(body);
}
