import { constants } from 'node:os';
import type { LabNetwork } from '@holdfast/chaos';
import { findTools } from '@holdfast/runtime';
import { closeAll } from '../open-folders.js';
import { type FailoverArguments, readArguments, usage } from './arguments.js';
import { type Findings, renderFindings } from './findings.js';
import { runInLab } from './in-lab.js';
import { enterLab, openLab } from './lab.js';
import { measureAll } from './measure-all.js';
import { endClients } from './running-clients.js';
import type { SettingOptions } from './settings.js';

function readOptions(argv: readonly string[]): FailoverArguments {
  try {
    return readArguments(argv);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exit(2);
  }
}

const progress = (text: string) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);

/** Measures it all; the exit code. An interruption prints what is known, ends everything that was started, and this process. */
async function run(options: FailoverArguments, lab: SettingOptions['lab']): Promise<number> {
  const abort = new AbortController();
  const { signal } = abort;
  const search = await findTools({ major: undefined, signal });
  if (search.tools === undefined) {
    const missing = search.missing.map(({ reason }) => reason).join('\n');
    process.stderr.write(`${missing}\nRun ./holdfast up once: it installs what is missing.\n`);
    return 3;
  }
  const findings: Findings = { results: [], notMeasured: [], broken: false, floors: undefined, unfinished: new Set() };
  const print = async () => void process.stdout.write(await renderFindings(findings, options, search));
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (signal.aborted) return;
      process.stderr.write('\nInterrupted: what was measured so far; ending what was started …\n');
      const printed = print();
      abort.abort(new Error(`interrupted by ${name}`));
      void printed
        .finally(async () => await Promise.all([endClients(), closeAll()]))
        .finally(() => process.exit(128 + constants.signals[name]));
    });
  }
  const setting: SettingOptions = { tools: search.tools, agents: options.agents, lab, signal };
  try {
    await measureAll(options, setting, findings, progress);
  } catch (error) {
    // The handler above ends the process.
    if (signal.aborted) await new Promise(() => {});
    throw error;
  } finally {
    await endClients();
    await closeAll();
  }
  await print();
  return findings.broken ? 1 : 0;
}

/** In a lab's network if a row needs one: this program runs itself again there. */
async function main(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (options.insideLab !== undefined) return await run(options, enterLab(JSON.parse(options.insideLab) as LabNetwork));
  if (!options.rows.some(({ row }) => row.setting === 'lab')) return await run(options, 'no row needs a lab');
  if (process.getuid?.() !== 0) return await run(options, 'cutting a network needs root');
  const lab = await openLab(AbortSignal.timeout(30_000)).catch((error: unknown) =>
    error instanceof Error ? error.message : String(error),
  );
  if (typeof lab === 'string') return await run(options, lab);
  try {
    return await runInLab(lab, argv);
  } finally {
    await lab[Symbol.asyncDispose]();
  }
}

process.exitCode = await main(process.argv.slice(2));
