// Runs every check and test after a build: lint, types of the tests, then the levels unit, integration, e2e, docker and kubernetes, one after the other.
// TESTS="unit e2e" runs only those; arguments are file filters for the test levels. Says again at the end what failed and why, since the levels before
// the last are far up by then. The last line is the sum alone; exit code 1 on any failure or when nothing ran. Plain JavaScript: it must be able to
// report a tree that does not compile.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { removeOrphanedSharedMemory } from './orphaned-shared-memory.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const filters = process.argv.slice(2);
const levels = ['lint', 'types', 'unit', 'integration', 'e2e', 'docker', 'kubernetes'];
const needTools = ['integration', 'e2e'];
const chosen = (process.env.TESTS ?? '').split(/[\s,]+/).filter((name) => name !== '');
const unknown = chosen.filter((name) => !levels.includes(name));
if (unknown.length > 0) {
  console.error(`TESTS names no such level: ${unknown.join(' ')}. Levels: ${levels.join(' ')}`);
  process.exit(2);
}
const wanted = levels.filter((name) => chosen.length === 0 || chosen.includes(name));

/** How long a program may take to end after a signal, and what tests left may take to go away by itself. */
const graceMilliseconds = 20_000;
const sum = { passed: 0, failed: 0, skipped: 0 };
/** What failed, each with its first lines, for the end of the log. */
const failures = [];
const temporary = mkdtempSync(join(tmpdir(), 'holdfast-results-'));
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }));

const abort = new AbortController();
let current;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    abort.abort(signal);
    endGroup(current, signal);
    setTimeout(() => endGroup(current, 'SIGKILL'), graceMilliseconds).unref();
  });
}

/** Each program leads a process group of its own, so that a signal reaches its workers once, whoever sent it. */
function endGroup(pid, signal) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It ended by itself meanwhile.
  }
}

/** Exit code of a program of node_modules; null when it was ended by a signal or could not start. */
async function run(program, args) {
  if (abort.signal.aborted) return null;
  const child = spawn(join(root, 'node_modules/.bin', program), args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  });
  current = child.pid;
  try {
    return await new Promise((resolve) => {
      child.once('error', (error) => {
        console.error(error.message);
        resolve(null);
      });
      child.once('close', resolve);
    });
  } finally {
    // Workers of a program that crashed.
    endGroup(current, 'SIGKILL');
    current = undefined;
  }
}

async function section(title, work) {
  if (abort.signal.aborted) return;
  console.log(`\n=== ${title} ===`);
  const start = performance.now();
  const counted = await work();
  sum.passed += counted.passed ?? 0;
  sum.failed += counted.failed ?? 0;
  sum.skipped += counted.skipped ?? 0;
  if (counted.failed > 0 && !failures.some(({ section }) => section === title))
    failures.push({ section: title, name: 'failed as a whole: its own output above says why', message: '' });
  const words = Object.entries(counted).map(([name, count]) => `${count} ${name}`);
  console.log(`--- ${[title, ...words, `${((performance.now() - start) / 1000).toFixed(1)} s`].join(', ')}`);
}

const check = async (program, args) => ((await run(program, args)) === 0 ? { passed: 1 } : { failed: 1 });

/** What only tests need: networks of their own whose faults are real. */
const testPrograms = { nft: 'nftables', tc: 'iproute2', nsenter: 'util-linux' };

function installTestPrograms() {
  const folders = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  const isThere = (program) => folders.some((folder) => existsSync(join(folder, program)));
  const missing = Object.keys(testPrograms).filter((program) => !isThere(program));
  if (missing.length === 0 || process.getuid?.() !== 0 || !isThere('apt-get')) return;
  const packages = missing.map((program) => testPrograms[program]);
  console.log(`Installing for tests: ${packages.join(' ')}`);
  const args = ['-q', '-y', '--no-install-recommends', 'install', ...packages];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status } = spawnSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 300_000, env });
  if (status !== 0) throw new Error(`apt-get install ${packages.join(' ')} failed`);
}

/** Installs what is missing when root. Answers why the tests that need real programs cannot run, or undefined. */
async function prepareTools() {
  const { ensureTools } = await import(join(root, 'packages/runtime/dist/index.js'));
  try {
    const progress = (text) => console.log(text);
    const tools = await ensureTools({ major: undefined, install: true, signal: abort.signal, progress });
    console.log(`PostgreSQL ${tools.postgresMajor}, Patroni ${tools.patroni.version}: ${tools.patroni.origin}`);
    // Tests below the runtime package cannot look for Patroni themselves.
    process.env.HOLDFAST_TEST_PATRONI_ROOT ??= tools.patroni.argv.at(-1).replace(/usr\/bin\/patroni$/, '');
    installTestPrograms();
    return undefined;
  } catch (error) {
    const words = [error.message, error.detail, error.suggestion].filter((text) => text !== undefined).join('\n');
    // Where packages may be installed, not getting them is a failure; elsewhere it is a fact about the machine.
    if (process.getuid?.() === 0 || error.code !== 'HF_TOOLS_MISSING') throw new Error(words, { cause: error });
    return words;
  }
}

async function runLevel(level, title) {
  const report = join(temporary, `${level}.json`);
  const code = await run('vitest', [
    'run',
    '--project',
    level,
    ...(level === 'unit' ? ['--maxWorkers=2'] : ['--no-file-parallelism']),
    ...(filters.length > 0 ? ['--passWithNoTests', ...filters] : []),
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]);
  const read = readReport(report);
  const counted = countReport(read);
  failures.push(...namedFailures(read, title));
  // Unhandled errors, a crash, a file without tests: nothing failed by name, and still it is not a success.
  if (code !== 0 && counted.failed === 0) counted.failed = 1;
  return counted;
}

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function countReport(report) {
  const counted = { passed: 0, failed: 0, skipped: 0 };
  if (report === undefined) return { ...counted, failed: 1 };
  for (const file of report.testResults) {
    let failed = 0;
    for (const { status } of file.assertionResults) {
      if (status === 'passed') counted.passed++;
      else if (status === 'failed') failed++;
      else counted.skipped++;
    }
    // A file that could not be collected, or whose hooks failed, fails without a failed test.
    counted.failed += file.status === 'failed' ? Math.max(failed, 1) : failed;
  }
  return counted;
}

function namedFailures(report, title) {
  return (report?.testResults ?? []).flatMap((file) => {
    const failed = file.assertionResults.filter(({ status }) => status === 'failed');
    const where = file.name.replace(root, '');
    if (failed.length === 0 && file.status === 'failed')
      return [{ section: title, name: where, message: file.message ?? '' }];
    return failed.map(({ fullName, failureMessages }) => ({
      section: title,
      name: `${where}: ${fullName}`,
      message: failureMessages?.join('\n') ?? '',
    }));
  });
}

async function skipLevel(level) {
  const list = join(temporary, `${level}-list.json`);
  const code = await run('vitest', ['list', '--project', level, `--json=${list}`, ...filters]);
  const tests = readReport(list);
  return code === 0 && tests !== undefined ? { skipped: tests.length } : { failed: 1 };
}

const mark = join(tmpdir(), 'holdfast-test-');
const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('holdfast-'));

/** Processes that work for a test's folder, as `pid since name`; `since` is their start time, so that a reused pid is another one. */
function testProcesses() {
  const read = (path, how = readFileSync) => {
    try {
      return how(path, 'latin1');
    } catch {
      return '';
    }
  };
  const found = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const where = `/proc/${pid}`;
    const command = read(`${where}/cmdline`);
    if (![command, read(`${where}/environ`), read(`${where}/cwd`, readlinkSync)].some((text) => text.includes(mark)))
      continue;
    const since = read(`${where}/stat`)
      .replace(/^.*\) /s, '')
      .split(' ')[19];
    found.set(`${pid} ${since}`, `${pid} ${command.replaceAll('\0', ' ').trim().slice(0, 160)}`);
  }
  return found;
}

const start = Date.now();
const before = { processes: testProcesses(), folders: folders() };

/** What tests left behind. Reapers of tests that were interrupted get the time that they need. */
async function findLeaks() {
  const end = performance.now() + graceMilliseconds;
  for (;;) {
    const leaks = [
      ...[...testProcesses()].filter(([key]) => !before.processes.has(key)).map(([, text]) => `process ${text}`),
      ...folders()
        .filter((name) => !before.folders.includes(name) && name !== temporary.slice(tmpdir().length + 1))
        .map((name) => `folder ${join(tmpdir(), name)}`),
    ];
    if (leaks.length === 0 || performance.now() > end) return leaks;
    await sleep(250);
  }
}

const titles = {
  unit: 'Unit tests',
  integration: 'Integration tests',
  e2e: 'End-to-end tests',
  docker: 'Docker tests',
};
if (wanted.includes('lint')) await section('Lint', async () => await check('biome', ['check', '.']));
if (wanted.includes('types'))
  await section('Types of the tests', async () => await check('tsc', ['-p', 'tsconfig.tests.json']));
let toolsMissing;
if (needTools.some((level) => wanted.includes(level))) {
  await section('System packages', async () => {
    try {
      toolsMissing = await prepareTools();
    } catch (error) {
      toolsMissing = error.message;
      console.error(error.message);
      return { failed: 1 };
    }
    if (toolsMissing !== undefined) console.log(`${toolsMissing}\nTests that need these programs are skipped.`);
    return {};
  });
}
for (const level of Object.keys(titles).filter((name) => wanted.includes(name))) {
  const skip = toolsMissing !== undefined && needTools.includes(level);
  await section(titles[level], async () => await (skip ? skipLevel(level) : runLevel(level, titles[level])));
}

const leaks = await findLeaks();
if (leaks.length > 0) {
  console.error(`\nLeft behind by the tests:\n${leaks.map((text) => `  ${text}`).join('\n')}`);
  sum.failed++;
}
if (abort.signal.aborted) {
  console.error(`\nInterrupted by ${abort.signal.reason}.`);
  sum.failed++;
}
removeOrphanedSharedMemory(start);
for (const { section, name, message } of failures)
  console.error(`\nFailed in ${section}: ${name}\n${message.split('\n').slice(0, 25).join('\n')}`);
console.log(`\n${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
if (abort.signal.aborted) process.exitCode = 128 + constants.signals[abort.signal.reason];
else process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0;
