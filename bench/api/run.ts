import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findTools } from '@holdfast/runtime';
import { describeMachine, renderMachine } from '../machine.js';
import { renderSection, type Section } from '../section.js';
import { median } from '../statistics.js';
import { measureAuth } from './auth.js';
import { type Case, cases } from './cases.js';
import { type Measured, measure } from './measure.js';
import { openStage, type Program, type Stage } from './stage.js';

const usage = `Usage: npm run bench:api [-- --quick | --help]

Measures the API, each figure beside what it is compared with, in one run of some nine minutes:
REST through the gateway beside a bare Fastify route with the same SQL, driver and transaction, at 1, 16 and 64
connections, and beside PostgREST itself where HOLDFAST_POSTGREST names its binary; sign-ins beside bcrypt alone;
refreshes; start and idle memory. It starts a PostgreSQL of its own without durability, so that no disk is measured,
and leaves nothing behind. Tables in Markdown come on standard output.

  --quick  one round of one second each, to see that everything works; the numbers mean little
  --help   this text
`;

/** `npm run bench:api`: see `usage`. */
const { values } = parse();
if (values.help === true) {
  process.stdout.write(usage);
  process.exit(0);
}
const quick = values.quick === true;
const rounds = quick ? 1 : 5;
const seconds = quick ? 1 : 2;
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
  const auth = await measureAuth(stage, quick ? 2 : 10);
  const sections: readonly Section[] = [...rest, authSection(auth), tierSection(stage.startMilliseconds, idle)];
  const machine = await describeMachine(search);
  process.stdout.write(
    `${[...sections.map(renderSection), renderMachine(machine, 'npm run bench:api')].join('\n\n')}\n`,
  );
}
process.exit(0);

function parse() {
  try {
    return parseArgs({ options: { quick: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return process.exit(2);
  }
}

async function measureRest(stage: Stage): Promise<readonly Section[]> {
  const measured: RestFigures[] = [];
  await warmUp(stage);
  for (const [index, each] of cases.entries()) {
    for (const connections of connectionCounts) {
      process.stderr.write(`${each.name}, ${connections} connections\n`);
      measured.push({ name: each.name, connections, ...(await interleaved(stage, each, index, connections)) });
    }
  }
  const notes = [
    `processor time of one request, in the program and in PostgreSQL: what is left when the machine does other things, too`,
    `medians of ${rounds} rounds of ${seconds} s, one and the other in turn; PostgreSQL without durability`,
  ];
  const [first] = measured;
  return [
    compare(
      'REST through the gateway, beside a bare Fastify route with the same SQL, driver and transaction',
      'bare',
      measured,
      notes,
    ),
    ...(first?.postgrest === undefined
      ? []
      : [compare('REST through the gateway, beside PostgREST without one', 'postgrest', measured, notes)]),
  ];
}

/** Of one case, by program. */
interface RestFigures {
  readonly name: string;
  readonly connections: number;
  readonly api: Found;
  readonly bare: Found;
  readonly postgrest: Found | undefined;
}

function compare(
  title: string,
  beside: 'bare' | 'postgrest',
  measured: readonly RestFigures[],
  notes: readonly string[],
): Section {
  const rows = measured.flatMap(({ name, connections, api, ...others }) => {
    const other = others[beside];
    if (other === undefined) return [];
    return [
      [
        name,
        String(connections),
        api.perSecond.toFixed(0),
        other.perSecond.toFixed(0),
        (api.perSecond / other.perSecond).toFixed(2),
        `${api.p99.toFixed(1)} ms`,
        `${other.p99.toFixed(1)} ms`,
        (api.p99 / other.p99).toFixed(2),
        `${api.microseconds.toFixed(0)} µs`,
        `${other.microseconds.toFixed(0)} µs`,
        (other.microseconds / api.microseconds).toFixed(2),
      ],
    ];
  });
  const word = beside === 'bare' ? 'bare' : 'PostgREST';
  const head = [
    'request',
    'connections',
    'a second',
    word,
    'share',
    'p99',
    word,
    'ratio',
    'processor time',
    word,
    'share',
  ];
  return { title, head, rows, notes, data: measured };
}

interface Found extends Measured {
  /** Processor time of a request, in the program and in PostgreSQL. */
  readonly microseconds: number;
}

/** Every case once, so that both programs are compiled: of the first cases much of the time went there, and REST has more to compile. */
async function warmUp(stage: Stage): Promise<void> {
  for (const [index, each] of cases.entries()) {
    const { method, body } = each;
    for (const { url, headers } of loadsOf(stage, each, index)) {
      await measure({ url, headers, method, body, connections: 16, seconds });
    }
  }
}

interface ProgramLoad {
  readonly program: Program;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

function loadsOf(
  { api, bare, postgrest, authorization, keys }: Stage,
  { path, headers = {} }: Case,
  index: number,
): readonly ProgramLoad[] {
  const apikey = keys.publishable.current.value;
  return [
    { program: 'api', url: `${api}/rest/v1${path}`, headers: { ...headers, apikey } },
    { program: 'bare', url: `${bare}/${index}`, headers },
    ...(postgrest === undefined
      ? []
      : [{ program: 'postgrest', url: `${postgrest}${path}`, headers: { ...headers, authorization } } as const]),
  ];
}

/** One and the other in turn, so that whatever else the machine does meets both. */
async function interleaved(
  stage: Stage,
  each: Case,
  index: number,
  connections: number,
): Promise<Pick<RestFigures, Program>> {
  const { method, body } = each;
  const loads = loadsOf(stage, each, index);
  const found: Record<Program, Found[]> = { api: [], bare: [], postgrest: [] };
  for (const load of loads) await measure({ ...load, method, body, connections, seconds: 1 });
  for (let round = 0; round < rounds; round += 1) {
    for (const load of loads) {
      const before = await stage.processorSeconds(load.program);
      const measured = await measure({ ...load, method, body, connections, seconds });
      const used = (await stage.processorSeconds(load.program)) - before;
      found[load.program].push({ ...measured, microseconds: (used / (measured.perSecond * seconds)) * 1e6 });
    }
  }
  const middle = (all: readonly Found[]): Found => ({
    perSecond: median(all.map(({ perSecond }) => perSecond)),
    p99: median(all.map(({ p99 }) => p99)),
    microseconds: median(all.map((each) => each.microseconds)),
  });
  const { api, bare, postgrest } = found;
  return { api: middle(api), bare: middle(bare), postgrest: postgrest.length === 0 ? undefined : middle(postgrest) };
}

function authSection(figures: Awaited<ReturnType<typeof measureAuth>>): Section {
  const { signInsPerSecond, bcryptPerSecond, refreshesPerSecond, workers } = figures;
  return {
    title: 'Auth',
    head: ['what', 'a second'],
    rows: [
      ['sign-ins by password', signInsPerSecond.toFixed(0)],
      ['bcrypt alone, cost 10', bcryptPerSecond.toFixed(0)],
      ['share', (signInsPerSecond / bcryptPerSecond).toFixed(2)],
      [`refreshes, ${workers} workers`, refreshesPerSecond.toFixed(0)],
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
