import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChaosResult } from '@holdfast/chaos';
import { cliProgram, createThrowAwayFolder, runCli, type ThrowAwayFolder } from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

type Run = Omit<ChaosResult, 'verdict' | 'text'>;

const labs = () => readdirSync(tmpdir()).filter((name) => /^holdfast-chaos-[A-Za-z0-9]{6}$/.test(name));
const namespaces = () =>
  existsSync('/run/netns') ? readdirSync('/run/netns').filter((name) => name.startsWith('hf')) : [];

describe.skipIf(process.getuid?.() !== 0)('holdfast chaos (needs root)', () => {
  let folder: ThrowAwayFolder;
  beforeAll(async () => {
    folder = await createThrowAwayFolder();
  });
  afterAll(async () => await folder[Symbol.asyncDispose]());

  const chaos = async (...args: readonly string[]) =>
    await runCli(['chaos', ...args], { cwd: folder.path, timeoutMilliseconds: 290_000 });
  /** Ends with that exit code and leaves nothing of its lab. */
  const play = async (code: number, ...args: readonly string[]): Promise<Run> => {
    const before = { labs: labs(), namespaces: namespaces() };
    const result = await chaos('run', ...args, '--json');
    // The seed and what happened, for whoever has to play it again.
    process.stderr.write(`${result.stderr}\n`);
    expect([result.code, result.stderr]).toEqual([code, expect.stringContaining('Seed ')]);
    expect(labs().filter((name) => !before.labs.includes(name))).toEqual([]);
    expect(namespaces().filter((name) => !before.namespaces.includes(name))).toEqual([]);
    return JSON.parse(result.stdout) as Run;
  };
  const verdictOf = async ({ output }: Run) =>
    JSON.parse(await readFile(join(output, 'verdict.json'), 'utf8')) as ChaosResult['verdict'];

  it('strict mode keeps every promise under each family of faults', { timeout: 300_000 }, async () => {
    const scenarios = [
      'kill-member-primary',
      'freeze-member-primary',
      'isolate-primary',
      'isolate-from-hosts-primary',
      'kill-etcd-leader',
      'kill-haproxy',
      'fill-disk-standby',
      'back-to-back',
    ];
    const run = await play(0, ...scenarios, '--clients', '2');
    expect(run).toMatchObject({
      valid: true,
      trouble: null,
      rounds: { played: scenarios, skipped: [], missed: 0 },
    });
    expect((await readdir(run.output)).sort()).toEqual(['history.ndjson', 'plan.json', 'report.html', 'verdict.json']);
    expect((await verdictOf(run)).checks.every(({ valid }) => valid === true)).toBe(true);
    expect((await chaos('check', join(run.output, 'history.ndjson'))).code).toBe(0);
  });

  it('asynchronous replication loses acknowledged writes, and that is seen', { timeout: 300_000 }, async () => {
    const run = await play(
      1,
      'lag-then-lose',
      '--mode',
      'off',
      '--no-agents',
      '--fence',
      'off',
      '--workload',
      'set,bank',
    );
    expect(run).toMatchObject({ valid: false, trouble: null, rounds: { played: ['lag-then-lose'] } });
    const { checks } = await verdictOf(run);
    const broken = checks.filter(({ valid }) => valid === false).map(({ name }) => name);
    expect(broken).toContain('set: lost');
    expect(broken).toContain('bank: ledger');
    const lost = checks.find(({ name }) => name === 'set: lost');
    expect(lost?.anomalies.every(({ name, witnesses }) => name === 'lost' && witnesses.length > 0)).toBe(true);
    expect(await readdir(run.output)).toContain('logs');
    expect((await chaos('check', join(run.output, 'history.ndjson'))).code).toBe(1);
  });

  it('leaves nothing behind when it is killed in the middle', { timeout: 120_000 }, async () => {
    const before = { labs: labs(), namespaces: namespaces() };
    const child = spawn(process.execPath, [cliProgram, 'chaos', 'run', 'kill-haproxy', '--workload', 'set'], {
      cwd: folder.path,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await new Promise<void>((resolve, reject) => {
      child.stderr.on('data', (text) => String(text).includes('Waiting for a primary') && resolve());
      child.once('close', (code) => reject(new Error(`it ended with ${code}`)));
    });
    expect(namespaces().length).toBeGreaterThan(before.namespaces.length);
    child.removeAllListeners('close').kill('SIGKILL');
    await expect
      .poll(
        () => [
          labs().filter((name) => !before.labs.includes(name)),
          namespaces().filter((name) => !before.namespaces.includes(name)),
        ],
        {
          timeout: 60_000,
        },
      )
      .toEqual([[], []]);
  });

  it('touches a cluster that it did not start only when told by its name, and with a yes', async () => {
    const other = await chaos('run', 'kill-haproxy', '--cluster', 'production', '--yes', '--json');
    expect([other.code, other.stdout]).toEqual([2, expect.stringContaining('HF_CHAOS_OTHER_CLUSTER')]);
    const unasked = await chaos('run', 'kill-haproxy', '--cluster', 'holdfast', '--json');
    expect([unasked.code, unasked.stdout]).toEqual([2, expect.stringContaining('HF_CONFIRMATION_NEEDED')]);
  });

  it('lists what is possible here, and refuses what there is not', async () => {
    const { code, stdout } = await chaos('list', '--json');
    const { scenarios } = JSON.parse(stdout) as { scenarios: readonly { name: string; impossible: string | null }[] };
    const why = (name: string) => scenarios.find((scenario) => scenario.name === name)?.impossible;
    expect([code, why('kill-member-primary'), why('isolate-primary')]).toEqual([0, null, null]);
    expect(why('jump-clock-primary')).toMatch('clock');
    const unknown = await chaos('run', 'kill-everybody', '--json');
    expect([unknown.code, unknown.stdout]).toEqual([2, expect.stringContaining('HF_CHAOS_SCENARIO_UNKNOWN')]);
  });
});
