import { type ClusterSpec, fillTemplate, redactTemplate, type SynchronousMode, secretNames } from '@holdfast/spec';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Plan, planCluster, type Unit } from '../src/index.js';
import { exampleInput } from './example.js';

/** Values that nothing else could contain by chance. */
const markers = Object.fromEntries(secretNames.map((name) => [name, `!!${name}-value!!`])) as Parameters<
  typeof fillTemplate
>[1];

const stateDirectory = fc.constantFrom('/srv/holdfast/main', "/home/o'brien/my project/.holdfast/x", '/v');

const specs = fc
  .record({
    members: fc.integer({ min: 1, max: 15 }),
    etcdMembers: fc.constantFrom(1, 3, 5, 7),
    listen: fc.constantFrom('127.0.0.1', '0.0.0.0', '::', '::1', 'db.example.org'),
    portOffset: fc.integer({ min: 0, max: 10_000 }),
    mode: fc.constantFrom<SynchronousMode>('off', 'on', 'strict', 'quorum'),
    pooler: fc.boolean(),
    name: fc.stringMatching(/^[a-z][a-z0-9-]{0,30}$/),
    parameters: fc.dictionary(
      fc.stringMatching(/^[a-z_]{1,20}$/),
      fc.oneof(fc.string(), fc.boolean(), fc.integer(), fc.constantFrom('on', 'off', 'yes', '1:30', '0755', 'null')),
    ),
  })
  .map(({ mode, pooler, name, parameters, ...rest }) => ({
    ...rest,
    change: (spec: ClusterSpec): ClusterSpec => ({
      ...spec,
      name,
      synchronous: { mode, standbys: 1 },
      postgres: { ...spec.postgres, parameters },
      pooler: { ...spec.pooler, enabled: pooler },
    }),
  }));

const plans = fc.record({ options: specs, stateDirectory }).map(({ options, stateDirectory }) => ({
  stateDirectory,
  plan: planCluster(exampleInput({ ...options, stateDirectory })),
}));

function always(check: (plan: Plan, stateDirectory: string) => void): void {
  void fc.assert(
    fc.property(plans, ({ plan, stateDirectory }) => check(plan, stateDirectory)),
    { numRuns: 50 },
  );
}

describe('every plan', () => {
  it('names its units uniquely, and each name is a DNS label', () => {
    always(({ units }) => {
      expect(new Set(units.map((unit) => unit.id)).size).toBe(units.length);
      for (const unit of units) expect(unit.id).toMatch(/^[a-z][a-z0-9-]{0,62}$/);
    });
  });

  it('gives no port twice', () => {
    always(({ units }) => {
      const ports = units.flatMap((unit) => unit.ports.map((port) => port.port));
      expect(new Set(ports).size).toBe(ports.length);
    });
  });

  it('can be started in some order', () => {
    always(({ units }) => {
      const started = new Set<string>();
      const canStart = (unit: Unit) =>
        unit.after === undefined || unit.after.units.filter((id) => started.has(id)).length >= unit.after.atLeast;
      for (const _ of units) for (const unit of units) if (canStart(unit)) started.add(unit.id);
      expect(started.size).toBe(units.length);
    });
  });

  it('depends on units that exist, on no more of them than there are, and on itself never', () => {
    always(({ units }) => {
      const ids = new Set(units.map((unit) => unit.id));
      for (const { id, after } of units) {
        if (after === undefined) continue;
        expect(after.units.every((each) => ids.has(each) && each !== id)).toBe(true);
        expect(after.atLeast).toBeGreaterThanOrEqual(1);
        expect(after.atLeast).toBeLessThanOrEqual(after.units.length);
      }
    });
  });

  it('keeps to the state folder, and no two files or volumes share a path', () => {
    always(({ units }, stateDirectory) => {
      const files = units.flatMap((unit) => unit.files.map((file) => file.path));
      const volumes = units.flatMap((unit) => unit.volumes.map((volume) => volume.path));
      const others = units.flatMap((unit) => [unit.workingDirectory, unit.territory ?? stateDirectory]);
      for (const path of [...files, ...volumes]) expect(path.startsWith(`${stateDirectory}/`)).toBe(true);
      for (const path of others) expect(path.startsWith(stateDirectory)).toBe(true);
      expect(new Set([...files, ...volumes]).size).toBe(files.length + volumes.length);
    });
  });

  it('puts every file, and the place where a unit works, into a volume of that unit, closed to others', () => {
    always(({ units }) => {
      for (const unit of units) {
        const inside = (path: string) =>
          unit.volumes.some(({ path: root }) => path === root || path.startsWith(`${root}/`));
        expect(unit.files.every((file) => inside(file.path) && (file.mode & 0o077) === 0)).toBe(true);
        expect(inside(unit.workingDirectory) && inside(unit.territory ?? unit.workingDirectory)).toBe(true);
        expect(unit.volumes.every((volume) => (volume.mode & 0o077) === 0)).toBe(true);
      }
    });
  });

  it('keeps data, and nothing else, in persistent volumes', () => {
    always(({ units }, stateDirectory) => {
      for (const { volumes } of units) {
        for (const { path, persistent } of volumes) expect(path.startsWith(`${stateDirectory}/data/`)).toBe(persistent);
      }
    });
  });

  it('holds no secret: not in argv, not in env, not in a redacted file', () => {
    always((plan) => {
      const values = Object.values(markers);
      const visible = [
        JSON.stringify(plan),
        ...plan.units.flatMap((unit) => unit.files.map((file) => redactTemplate(file.content))),
      ].join('\n');
      expect(values.filter((value) => visible.includes(value))).toEqual([]);
    });
  });

  it('writes a secret into userlist.txt and api.json only', () => {
    always(({ units }) => {
      const secretFiles = units
        .flatMap((unit) => unit.files)
        .filter((file) => Object.values(markers).some((value) => fillTemplate(file.content, markers).includes(value)))
        .map((file) => file.path.split('/').at(-1));
      const expected = units.some((unit) => unit.id === 'pgbouncer') ? ['userlist.txt', 'api.json'] : ['api.json'];
      expect(secretFiles).toEqual(expected);
    });
  });

  it('keeps requests from SQL away from every port of the cluster', () => {
    always(({ units }) => {
      const net = units.find(({ component }) => component === 'net');
      const { refused } = JSON.parse(String(net?.files[0]?.content)) as {
        refused: { ports: number[]; addresses: string[] };
      };
      // Functions and webhooks are called through the API.
      const others = units.filter(({ component }) => component !== 'net' && component !== 'api');
      const missing = others
        .flatMap(({ ports }) => ports.map(({ port }) => port))
        .filter((port) => !refused.ports.includes(port));
      expect(missing).toEqual([]);
      expect(others.filter(({ host }) => !refused.addresses.includes(host))).toEqual([]);
    });
  });

  it('has a worker for requests from SQL only where the spec wants it', () => {
    const without = exampleInput({
      change: (spec) => ({ ...spec, supabase: { ...spec.supabase, net: { ...spec.supabase.net, enabled: false } } }),
    });
    expect(planCluster(without).units.map(({ id }) => id)).not.toContain('net');
    expect(planCluster(exampleInput()).units.map(({ id }) => id)).toContain('net');
  });

  it('shows the mails of development on loopback only', () => {
    const mailOn = (listen: string): unknown => {
      const api = planCluster(exampleInput({ listen })).units.find(({ id }) => id === 'api');
      return JSON.parse(fillTemplate(api?.files[0]?.content ?? '{}', markers)).auth.mail;
    };
    expect(mailOn('127.0.0.1')).not.toHaveProperty('inbox');
    expect(mailOn('0.0.0.0')).toHaveProperty('inbox', false);
  });

  it('is the same for the same input', () => {
    const input = exampleInput();
    expect(JSON.stringify(planCluster(input))).toBe(JSON.stringify(planCluster(structuredClone(input))));
  });

  it('never connects to a wildcard address', () => {
    const plan = planCluster(exampleInput({ listen: '0.0.0.0' }));
    for (const unit of plan.units) {
      expect(unit.host).toBe('127.0.0.1');
      const { readiness } = unit;
      if (readiness.kind === 'running') continue;
      expect(readiness.kind === 'http' ? readiness.url : readiness.host).toContain('127.0.0.1');
    }
  });
});
