import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { promptLauncher, withPromptLauncher } from '../src/patroni/prompt-launcher.js';
import { layoutWithPatroni, patroniMissing } from './patroni-tool.js';

const python = '/usr/bin/python3';
const postgresBin = '/usr/lib/postgresql/15/bin';
/** initdb does not run as root. */
const postgresUser = findPostgresUser();

function findPostgresUser(): { readonly uid?: number; readonly gid?: number } | undefined {
  if (!existsSync(join(postgresBin, 'initdb'))) return undefined;
  if (process.getuid?.() !== 0) return {};
  const id = (option: string) => Number(spawnSync('id', [option, 'postgres'], { encoding: 'utf8' }).stdout);
  return { uid: id('-u'), gid: id('-g') };
}

let folder: string;
let launcher: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-prompt-'));
  mkdirSync(join(folder, 'unit'));
  launcher = join(folder, 'unit', 'patroni-prompt.py');
  writeFileSync(launcher, promptLauncher);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(args: readonly string[], env: Readonly<Record<string, string>>) {
  const { status, stdout, stderr } = spawnSync(python, args, { env, encoding: 'utf8', timeout: 60_000 });
  return { status, stdout, stderr };
}

interface Report {
  readonly shortened: readonly string[];
  readonly untouched: boolean;
  readonly rounds: Readonly<Record<string, { readonly seconds: number; readonly result: unknown }>>;
}

function waits(how: 'as-it-is' | 'prompt' | 'altered'): Report {
  const { env } = layoutWithPatroni(folder).tools.patroni;
  const { status, stdout, stderr } = run([join(import.meta.dirname, 'prompt-launcher-waits.py'), launcher, how], env);
  // A round that fails says so there; Patroni itself logs warnings.
  expect(stderr).not.toContain('Traceback');
  expect(status).toBe(0);
  return JSON.parse(stdout) as Report;
}

describe.skipIf(patroniMissing !== undefined)(`Patroni's waits ${patroniMissing ?? ''}`, () => {
  const full: Readonly<Record<string, number>> = {
    multisync: 2,
    unhealthy: 2,
    demote: 2,
    'demote stopping': 1,
    shutdown: 1,
    promote: 1,
  };
  const confirmed = [[['pg2']], true];
  /** In what Patroni does afterwards: nothing, when what it waited for did not come. */
  const results: Readonly<Record<string, { readonly came: unknown; readonly not: unknown }>> = {
    multisync: { came: confirmed, not: [[], true] },
    unhealthy: { came: 1, not: 1 },
    demote: { came: null, not: null },
    'demote stopping': { came: 90, not: 80 },
    shutdown: { came: 90, not: 80 },
    promote: { came: true, not: null },
  };
  let asItIs: Report;
  let prompt: Report;
  beforeAll(() => {
    asItIs = waits('as-it-is');
    prompt = waits('prompt');
  });

  it('are all found', () => {
    expect(prompt.untouched).toBe(false);
    expect(prompt.shortened).toEqual([
      '_process_multisync_replication',
      'process_unhealthy_cluster',
      'demote',
      'demote.on_shutdown',
      'shutdown._on_shutdown',
      '_wait_promote',
    ]);
  });

  it.each(Object.entries(full))('%s ends soon after what it waits for has come', (name, seconds) => {
    expect(asItIs.rounds[`${name}, soon`]?.seconds).toBeGreaterThanOrEqual(seconds);
    expect(prompt.rounds[`${name}, soon`]?.seconds).toBeGreaterThan(0.1);
    expect(prompt.rounds[`${name}, soon`]?.seconds).toBeLessThan(0.75);
    expect(prompt.rounds[`${name}, soon`]?.result).toEqual(results[name]?.came);
    expect(asItIs.rounds[`${name}, soon`]?.result).toEqual(results[name]?.came);
  });

  it.each(Object.entries(full))('%s lasts its time when that does not come', (name, seconds) => {
    const time = name === 'promote' ? 2 : seconds;
    const { seconds: took, result } = prompt.rounds[`${name}, never`] ?? { seconds: 0, result: undefined };
    expect(took).toBeGreaterThanOrEqual(time);
    expect(took).toBeLessThan(time + 0.75);
    expect(result).toEqual(results[name]?.not);
  });

  it.each(Object.entries(full).filter(([name]) => name !== 'promote'))(
    '%s lasts its time when looking fails',
    (name, seconds) => {
      expect(prompt.rounds[`${name}, broken`]?.seconds).toBeGreaterThanOrEqual(seconds);
      expect(prompt.rounds[`${name}, broken`]?.result).toEqual(results[name]?.came);
    },
  );

  it.each(['from off', 'busy checkpointer'])('multisync lasts its time while commits may not wait yet: %s', (why) => {
    expect(prompt.rounds[`multisync, ${why}, soon`]?.seconds).toBeGreaterThanOrEqual(2);
    expect(prompt.rounds[`multisync, ${why}, soon`]?.result).toEqual(confirmed);
  });

  it.each(['unhealthy', 'demote'])('%s does not take itself or a replica for a new primary', (name) => {
    expect(prompt.rounds[`${name}, led by itself`]?.seconds).toBeGreaterThanOrEqual(2);
    expect(prompt.rounds[`${name}, led by a replica`]?.seconds).toBeGreaterThanOrEqual(2);
  });

  it('leaves every other wait as it is', () => {
    expect(prompt.rounds['start, soon']?.seconds).toBeGreaterThanOrEqual(1);
  });

  it('returns to the etcd beside it once that one is well, does not wait long for a silent one, and sends at once', () => {
    const { env } = layoutWithPatroni(folder).tools.patroni;
    const { status, stdout, stderr } = run([join(import.meta.dirname, 'prompt-launcher-etcd.py'), launcher], env);
    expect(status, stderr).toBe(0);
    const { asks, silent, noDelay, prefix } = JSON.parse(stdout) as {
      readonly asks: Readonly<Record<string, string>>;
      readonly noDelay: { readonly before: boolean; readonly after: boolean };
      readonly prefix: { readonly before: string; readonly after: string };
      readonly silent: { readonly before: number; readonly after: number };
    };
    // Two servers: half of 9 s for each, and twice in that.
    expect(silent.before).toBeGreaterThan(2);
    expect(silent.after).toBeGreaterThan(1.4);
    expect(silent.after).toBeLessThan(silent.before);
    // Patroni does it by itself once `before` is true: the launcher's part can go then.
    expect(noDelay).toEqual({ before: false, after: true });
    expect(prefix).toEqual({ before: '/v3alpha', after: '/v3' });
    expect(asks).toEqual({
      'as it begins': 'first',
      'without a leader': 'second',
      frozen: 'second',
      'well again': 'first',
      gone: 'second',
      'written in another way': 'second',
    });
  });

  it.skipIf(postgresUser === undefined)(
    'begins sooner: PostgreSQL by a bare interpreter, initdb before Patroni, copies synced at once',
    () => {
      const { env, postgres } = { env: layoutWithPatroni(folder).tools.patroni.env, postgres: postgresUser };
      const home = mkdtempSync(join(tmpdir(), 'holdfast-early-'));
      try {
        chownSync(home, postgres?.uid ?? 0, postgres?.gid ?? 0);
        chmodSync(folder, 0o755);
        // The account may not be able to read where this checkout is.
        const script = join(folder, 'prompt-launcher-start.py');
        copyFileSync(join(import.meta.dirname, 'prompt-launcher-start.py'), script);
        const args = [script, launcher, home, postgresBin];
        const { status, stdout, stderr } = spawnSync(python, args, {
          env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', ...env },
          cwd: home,
          encoding: 'utf8',
          timeout: 120_000,
          ...postgres,
        });
        expect(status, stderr).toBe(0);
        const gone = { left: [], process: true };
        const fast = { checkpoint: 'fast' };
        expect(JSON.parse(stdout)).toEqual({
          found: true,
          // Nobody's child in a session of its own, which ignores no signal and has no descriptor but the three.
          started: { child: false, session: false, ignored: [], descriptors: [0, 1, 2], environment: true },
          missing: null,
          taken: { answer: true, again: 'anew', made: true, ...gone },
          'other options': { answer: 'anew', again: 'anew', made: false, ...gone },
          killed: { answer: 'anew', again: 'anew', made: false, ...gone },
          'another leads': { answer: 'anew', again: 'anew', made: false, ...gone },
          'not empty': { answer: 'anew', again: 'anew', made: false, ...gone },
          syncfs: { 'an open file': null, 'a closed one': constants.errno.EBADF },
          copies: {
            found: true,
            made: { told: [fast, 'no-sync'], returned: 0, synced: ['copy', 'full'], left: true },
            failed: { told: [fast, 'no-sync'], returned: 1, synced: [], left: true },
            'not written': { told: [fast, 'no-sync'], returned: 1, synced: ['copy'], left: false },
            // As they were, and synced by pg_basebackup.
            'other options': { told: ['checkpoint'], returned: 0, synced: [], left: true },
            'old kernel': { told: [fast], returned: 0, synced: [], left: true },
          },
          turns: { found: true, before: ['as ever', 0], after: ['as ever', 1] },
        });
      } finally {
        rmSync(home, { recursive: true, force: true });
      }
    },
  );

  it('leaves a Patroni that is written in another way as it is', () => {
    expect(waits('altered')).toMatchObject({ shortened: [], untouched: true });
  });
});

describe('the launcher', () => {
  const script = `import json, sys
print(json.dumps([__name__, sys.argv[1:], sys.argv[0] == __file__, sys.path[0]]))
sys.exit(7)
`;
  /** Started through a link, as an installed script may be. */
  function start(...args: string[]) {
    mkdirSync(join(folder, 'real'), { recursive: true });
    writeFileSync(join(folder, 'real', 'patroni'), script);
    rmSync(join(folder, 'link'), { force: true });
    symlinkSync(join(folder, 'real', 'patroni'), join(folder, 'link'));
    const { status, stdout, stderr } = run([launcher, join(folder, 'link'), ...args], {
      PYTHONPATH: join(folder, 'no'),
    });
    return { status, stderr, said: JSON.parse(stdout) as unknown };
  }

  it('runs a script as if it had been started itself, with no Patroni to be found either', () => {
    const { status, stderr, said } = start('patroni.yml');
    expect(said).toEqual(['__main__', ['patroni.yml'], true, join(folder, 'real')]);
    expect(status).toBe(7);
    expect(stderr).toContain('patroni-prompt: waits cut short: none');
  });

  it('says nothing when Patroni is only asked something', () => {
    expect(start('--version')).toMatchObject({ status: 7, stderr: '' });
  });

  it('stands between the interpreter and the script', () => {
    expect(withPromptLauncher(['/usr/bin/python3', '/bin/patroni'], '/l.py')).toEqual([
      '/usr/bin/python3',
      '/l.py',
      '/bin/patroni',
    ]);
    expect(withPromptLauncher(['/usr/bin/python3', '-sP', '/bin/patroni'], '/l.py')).toEqual([
      '/usr/bin/python3',
      '-sP',
      '/l.py',
      '/bin/patroni',
    ]);
    expect(withPromptLauncher(['/bin/patroni'], '/l.py')).toEqual(['/bin/patroni']);
  });
});
