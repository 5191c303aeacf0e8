import { setTimeout as sleep } from 'node:timers/promises';
import { findTools } from '@holdfast/runtime';
import { describeMachine, renderMachine } from '../machine.js';
import { renderSection, type Section } from '../section.js';
import { median } from '../statistics.js';
import { measureAuth } from './auth.js';
import { type Case, cases } from './cases.js';
import { type Measured, measure } from './measure.js';
import { openStage, type Stage } from './stage.js';

/** `npm run bench:api [-- --quick]`: the figures of the API, each beside what it is measured against, in one run. */
const quick = process.argv.includes('--quick');
const rounds = quick ? 1 : 5;
const seconds = quick ? 1 : 4;
const connectionCounts = [1, 16, 64];

const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort());
const search = await findTools({ major: undefined, signal: abort.signal });
if (search.tools === undefined) throw new Error(search.missing.map(({ reason }) => reason).join('; '));

{
  await using stage = await openStage(search.tools.postgresBin, abort.signal);
  await sleep(quick ? 500 : 5000);
  const idle = await stage.memory();
  const rest = await measureRest(stage);
  const auth = await measureAuth(stage, quick ? 2 : 15);
  const sections: readonly Section[] = [rest, authSection(auth), tierSection(stage.startMilliseconds, idle)];
  const machine = await describeMachine(search);
  process.stdout.write(
    `${[...sections.map(renderSection), renderMachine(machine, 'npm run bench:api')].join('\n\n')}\n`,
  );
}
process.exit(0);

async function measureRest(stage: Stage): Promise<Section> {
  const rows: string[][] = [];
  const data: unknown[] = [];
  for (const [index, each] of cases.entries()) {
    for (const connections of connectionCounts) {
      process.stderr.write(`${each.name}, ${connections} connections\n`);
      const [api, bare] = await interleaved(stage, each, index, connections);
      const throughput = api.perSecond / bare.perSecond;
      const latency = bare.p99 === 0 ? 1 : api.p99 / bare.p99;
      data.push({ name: each.name, connections, api, bare });
      rows.push([
        each.name,
        String(connections),
        api.perSecond.toFixed(0),
        bare.perSecond.toFixed(0),
        throughput.toFixed(2),
        `${api.p99.toFixed(0)} ms`,
        `${bare.p99.toFixed(0)} ms`,
        latency.toFixed(2),
      ]);
    }
  }
  return {
    title: 'REST, beside a bare Fastify route with the same SQL, driver and transaction',
    head: ['request', 'connections', 'a second', 'bare', 'share', 'p99', 'bare', 'ratio'],
    rows,
    notes: [`medians of ${rounds} rounds of ${seconds} s, one and the other in turn; PostgreSQL without durability`],
    data,
  };
}

/** One and the other in turn, so that whatever else the machine does meets both. */
async function interleaved(
  { api, bare, keys }: Stage,
  { method, path, headers = {}, body }: Case,
  index: number,
  connections: number,
): Promise<readonly [Measured, Measured]> {
  const apikey = keys.publishable.current.value;
  const loads = [
    { url: `${api}/rest/v1${path}`, headers: { ...headers, apikey } },
    { url: `${bare}/${index}`, headers },
  ] as const;
  const found: [Measured[], Measured[]] = [[], []];
  for (const load of loads) await measure({ ...load, method, body, connections, seconds: 1 });
  for (let round = 0; round < rounds; round += 1) {
    for (const [which, load] of loads.entries()) {
      found[which]?.push(await measure({ ...load, method, body, connections, seconds }));
    }
  }
  const middle = (all: readonly Measured[]): Measured => ({
    perSecond: median(all.map(({ perSecond }) => perSecond)),
    p99: median(all.map(({ p99 }) => p99)),
  });
  return [middle(found[0]), middle(found[1])];
}

function authSection(figures: Awaited<ReturnType<typeof measureAuth>>): Section {
  const { signInsPerSecond, bcryptPerSecond, refreshesPerSecond } = figures;
  return {
    title: 'Auth',
    head: ['what', 'a second'],
    rows: [
      ['sign-ins by password', signInsPerSecond.toFixed(0)],
      ['bcrypt alone, cost 10', bcryptPerSecond.toFixed(0)],
      ['share', (signInsPerSecond / bcryptPerSecond).toFixed(2)],
      ['refreshes of a session', refreshesPerSecond.toFixed(0)],
    ],
    notes: ['16 at a time; the client runs on the same cores'],
    data: figures,
  };
}

function tierSection(startMilliseconds: number, idle: number): Section {
  return {
    title: 'The tier in one process',
    head: ['what', 'figure'],
    rows: [
      ['from its start to its first answer from the database', `${startMilliseconds.toFixed(0)} ms`],
      ['resident memory when idle', `${idle.toFixed(0)} MiB`],
    ],
    notes: [],
    data: { startMilliseconds, idle },
  };
}
