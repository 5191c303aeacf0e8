import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import type { Tools } from '@holdfast/components';
import { findTools } from '@holdfast/runtime';
import { benchIdle } from './idle.js';
import { describeMachine, renderMachine } from './machine.js';
import { closeAll } from './open-folders.js';
import { benchPgbench } from './pgbench.js';
import { benchRequests } from './requests.js';
import { type BenchOptions, renderSection, type Section } from './section.js';
import { benchSwitchover } from './switchover.js';
import { benchUp } from './up.js';

const benchmarks: Readonly<Record<string, (tools: Tools, options: BenchOptions) => Promise<Section>>> = {
  up: benchUp,
  pgbench: async (_tools, options) => await benchPgbench(options),
  switchover: benchSwitchover,
  idle: async (_tools, options) => await benchIdle(options),
  requests: async (_tools, options) => await benchRequests(options),
};

const usage = `Usage: npm run bench -- [--only ${Object.keys(benchmarks).join(',')}] [--json] [--quick]

Prints Markdown tables with a description of the machine; needs a quiet one and about fourteen minutes.
  --only NAMES  these only, comma-separated
  --json        the numbers, as one JSON document
  --quick       one short run of each, to see that everything works
`;

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        json: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const names = values.only?.split(',').filter((name) => name !== '') ?? Object.keys(benchmarks);
    const unknown = names.filter((name) => benchmarks[name] === undefined);
    if (unknown.length > 0) throw new Error(`there is no benchmark ${unknown.join(', ')}`);
    return { ...values, names };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exit(2);
  }
}

const { names, json, quick, help } = readOptions();
if (help) {
  process.stdout.write(usage);
  process.exit(0);
}

const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    abort.abort(new Error(`interrupted by ${signal}`));
    process.stderr.write('\nInterrupted: ending what was started …\n');
    void closeAll().finally(() => process.exit(128 + constants.signals[signal]));
  });
}

const progress = (text: string) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
const search = await findTools({ major: undefined, signal: abort.signal });
if (search.tools === undefined) {
  process.stderr.write(
    `${search.missing.map(({ reason }) => reason).join('\n')}\nRun ./holdfast up once: it installs what is missing.\n`,
  );
  process.exit(3);
}
const machine = await describeMachine(search);
if (quick && !json) process.stdout.write('**A quick trial: these numbers mean nothing.**\n\n');
const sections: (Section & { readonly name: string })[] = [];
for (const [name, benchmark] of Object.entries(benchmarks)) {
  if (!names.includes(name)) continue;
  try {
    const section = await benchmark(search.tools, { quick, signal: abort.signal, progress });
    sections.push({ name, ...section });
    // Shown as soon as it is there, whatever happens to the rest.
    if (!json) process.stdout.write(`${renderSection(section)}\n\n`);
  } catch (error) {
    if (abort.signal.aborted) break;
    process.exitCode = 1;
    process.stderr.write(`${name} failed: ${error instanceof Error ? error.stack : String(error)}\n`);
  }
}
if (!abort.signal.aborted) {
  const results = Object.fromEntries(sections.map(({ name, data }) => [name, data]));
  const text = json ? JSON.stringify({ machine, quick, results }, null, 2) : renderMachine(machine);
  process.stdout.write(`${text}\n`);
}
