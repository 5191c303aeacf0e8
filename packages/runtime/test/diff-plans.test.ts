import type { Plan, Unit } from '@holdfast/components';
import { secret } from '@holdfast/spec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffPlans } from '../src/diff-plans.js';

const unit = (id: string, changes: Partial<Unit> = {}): Unit => ({
  id,
  component: 'etcd',
  host: '127.0.0.1',
  argv: ['program', '--flag'],
  env: { NAME: 'value' },
  files: [{ path: `/state/${id}/conf`, mode: 0o600, content: ['a', secret('postgres')], onChange: 'reload' }],
  volumes: [],
  ports: [],
  user: 'postgres',
  workingDirectory: `/state/${id}`,
  readiness: { kind: 'tcp', host: '127.0.0.1', port: 1, timeoutMilliseconds: 100 },
  stop: { signal: 'SIGTERM', graceSeconds: 5 },
  restart: { minMilliseconds: 100, maxMilliseconds: 1000 },
  reloadSignal: 'SIGHUP',
  after: undefined,
  territory: undefined,
  ...changes,
});

const plan = (...units: Unit[]): Plan => ({ cluster: 'test', units, dynamicConfiguration: {} });

const changesTo = (changes: Partial<Unit>) => diffPlans(plan(unit('a')), plan(unit('a', changes)));

describe('diffPlans', () => {
  it('starts everything when there was no plan, and changes nothing between equal ones', () => {
    expect(diffPlans(undefined, plan(unit('a'), unit('b'))).map(({ unit, action }) => [unit, action])).toEqual([
      ['a', 'start'],
      ['b', 'start'],
    ]);
    expect(diffPlans(plan(unit('a')), JSON.parse(JSON.stringify(plan(unit('a')))) as Plan)).toEqual([]);
  });

  it('names removals, then changes, then additions', () => {
    const from = plan(unit('gone'), unit('kept'), unit('changed'));
    const to = plan(unit('new'), unit('changed', { argv: ['other'] }), unit('kept'));
    expect(diffPlans(from, to).map(({ unit, action }) => [unit, action])).toEqual([
      ['gone', 'remove'],
      ['changed', 'restart'],
      ['new', 'start'],
    ]);
  });

  it.each<[string, Partial<Unit>, string, string[]]>([
    ['argv', { argv: ['program'] }, 'restart', ['argv']],
    ['env', { env: { NAME: 'other', MORE: secret('postgres') } }, 'restart', ['env NAME', 'env MORE']],
    ['user', { user: 'root' }, 'restart', ['user']],
    ['working directory', { workingDirectory: '/' }, 'restart', ['working directory']],
    ['grace', { stop: { signal: 'SIGTERM', graceSeconds: 6 } }, 'write', ['stop signal']],
    ['dependencies', { after: { units: ['b'], atLeast: 1 } }, 'write', ['dependencies']],
    ['removed file', { files: [] }, 'reload', ['file /state/a/conf']],
  ])('says what a changed %s asks for', (_, changes, action, because) => {
    expect(changesTo(changes)).toEqual([{ unit: 'a', action, because }]);
  });

  it('takes the most disturbing of several changes, and restarts what cannot reload', () => {
    const file = { path: '/state/a/conf', mode: 0o600, content: 'b', onChange: 'reload' } as const;
    expect(changesTo({ files: [file] })[0]?.action).toBe('reload');
    expect(changesTo({ files: [{ ...file, onChange: 'nothing' }] })[0]?.action).toBe('write');
    expect(changesTo({ files: [{ ...file, onChange: 'restart' }] })[0]?.action).toBe('restart');
    expect(changesTo({ files: [file], reloadSignal: undefined })[0]?.action).toBe('restart');
    expect(changesTo({ files: [file], argv: ['x'] })).toEqual([
      { unit: 'a', action: 'restart', because: ['argv', 'file /state/a/conf'] },
    ]);
  });

  it('never shows a value', () => {
    const text = fc.string({ minLength: 12 }).filter((value) => /[A-Z]{2}/.test(value));
    fc.assert(
      fc.property(text, text, (one, other) => {
        const from = unit('a', { env: { X: one }, argv: ['p', one], files: [file(one)] });
        const to = unit('a', { env: { X: other }, argv: ['p', other], files: [file(other)] });
        const said = JSON.stringify(diffPlans(plan(from), plan(to)));
        expect(said.includes(one) || said.includes(other)).toBe(false);
      }),
    );
    function file(content: string) {
      return { path: '/conf', mode: 0o600, content, onChange: 'restart' } as const;
    }
  });

  it('leaves nothing out and invents nothing', () => {
    const ids = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'));
    fc.assert(
      fc.property(ids, ids, (before, after) => {
        const changes = diffPlans(plan(...before.map((id) => unit(id))), plan(...after.map((id) => unit(id))));
        const of = (action: string) =>
          changes.filter((change) => change.action === action).map((change) => change.unit);
        expect(of('remove')).toEqual(before.filter((id) => !after.includes(id)));
        expect(of('start')).toEqual(after.filter((id) => !before.includes(id)));
        expect(changes.length).toBe(of('remove').length + of('start').length);
      }),
    );
  });
});
