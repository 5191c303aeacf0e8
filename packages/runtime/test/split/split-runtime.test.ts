import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Plan } from '@holdfast/components';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { planContainers, planInKubernetes, type UnitStatus } from '../../src/index.js';
import type { ApplyOptions, LogLine, Runtime } from '../../src/runtime.js';
import {
  dividePlan,
  type Halves,
  joinPlans,
  joinRuntimes,
  splitInForce,
  splitSpec,
} from '../../src/split/split-runtime.js';
import { versions } from '../docker/example.js';
import { images, kubernetesSpec } from '../kubernetes/example.js';

const spec = splitSpec(
  kubernetesSpec('members: 2\nhosts: [{address: 192.0.2.1}]\nkubernetes: {members: docker, nodes: [192.0.2.9]}\n'),
);
if (spec === undefined) throw new Error('it is not split');
const pods = planInKubernetes(spec, images).plan;
const containers = planContainers(spec.outside, versions);
const whole = joinPlans({ pods, containers });
const { signal } = new AbortController();

/** A half that says what it was told. */
class Half {
  plan: Plan | undefined;
  readonly runtime: Runtime;

  constructor(name: string, told: string[]) {
    const order = async (what: string, unit: string) => {
      told.push(`${name} ${what} ${unit}`);
    };
    const line = async function* (units: readonly string[]): AsyncGenerator<LogLine> {
      for (const unit of units) yield { unit, text: name };
    };
    this.runtime = {
      kind: 'kubernetes',
      isHere: false,
      currentPlan: async () => this.plan,
      isActive: async () => this.plan !== undefined,
      apply: async (plan) => {
        this.plan = plan;
        told.push(`${name} apply ${plan.units.map(({ id }) => id).join(' ')}`);
        return [{ unit: name, action: 'start', because: [] }];
      },
      status: async () => (this.plan?.units ?? []).map(({ id }) => ({ id }) as UnitStatus),
      start: async (unit) => await order('start', unit),
      stop: async (unit) => await order('stop', unit),
      restart: async (unit) => await order('restart', unit),
      kill: async (unit) => await order('kill', unit),
      down: async (groups) => await order('down', groups.flat().join(' ')),
      removeData: async () => await order('remove', 'data'),
      logs: (units) => line(units),
      [Symbol.asyncDispose]: async () => {},
    };
  }
}

describe('members in Docker beside Kubernetes', () => {
  let told: string[];
  let kubernetes: Half;
  let docker: Half;
  let runtime: Runtime;

  beforeEach(() => {
    told = [];
    kubernetes = new Half('kubernetes', told);
    docker = new Half('docker', told);
    runtime = joinRuntimes({ kubernetes: kubernetes.runtime, docker: docker.runtime } as Halves, spec);
  });
  const options = { signal, secrets: {} as ApplyOptions['secrets'] };

  it('have one plan, with the dynamic configuration of the members', () => {
    expect(whole.units.map(({ id }) => id)).toEqual([
      ...['etcd1', 'etcd2', 'etcd3', 'haproxy', 'pgbouncer', 'net'],
      ...['pg1', 'pg2', 'pg1-agent', 'pg2-agent'],
    ]);
    expect(whole.dynamicConfiguration).toEqual(containers.dynamicConfiguration);
    expect(dividePlan(whole).pods.units).toEqual(pods.units);
    expect(dividePlan(whole).containers).toEqual(containers);
  });

  it('are brought up after etcd, each half its own', async () => {
    expect(await runtime.currentPlan(signal)).toBeUndefined();
    expect(await runtime.isActive(signal)).toBe(false);
    const changes = await runtime.apply(whole, options);
    expect(changes.map(({ unit }) => unit)).toEqual(['kubernetes', 'docker']);
    expect(told).toEqual([
      'kubernetes apply etcd1 etcd2 etcd3 haproxy pgbouncer net',
      'docker apply pg1 pg2 pg1-agent pg2-agent',
    ]);
    expect(await runtime.currentPlan(signal)).toEqual(whole);
    expect(await runtime.isActive(signal)).toBe(true);
    expect((await runtime.status(signal)).map(({ id }) => id)).toEqual(whole.units.map(({ id }) => id));
  });

  it('have a plan to go on with when only one half was brought up', async () => {
    kubernetes.plan = pods;
    expect(await runtime.currentPlan(signal)).toEqual(pods);
    expect(await runtime.isActive(signal)).toBe(true);
  });

  it('hand each order to the half that runs the unit', async () => {
    await runtime.stop('pg1', signal);
    await runtime.restart('pg2-agent', signal);
    await runtime.kill('etcd2', signal);
    await runtime.start('haproxy', signal);
    expect(told).toEqual([
      'docker stop pg1',
      'docker restart pg2-agent',
      'kubernetes kill etcd2',
      'kubernetes start haproxy',
    ]);
  });

  it('go first, and etcd last', async () => {
    await runtime.apply(whole, options);
    told.length = 0;
    await runtime.down([['haproxy', 'pg1-agent'], ['pg2'], ['pg1'], ['etcd1']], signal);
    await runtime.removeData(signal);
    expect(told).toEqual([
      'docker down haproxy pg1-agent pg2 pg1 etcd1',
      'kubernetes down haproxy pg1-agent pg2 pg1 etcd1',
      'docker remove data',
      'kubernetes remove data',
    ]);
  });

  it('are not taken down where they never were', async () => {
    kubernetes.plan = pods;
    await runtime.down([['etcd1']], signal);
    expect(told).toEqual(['kubernetes down etcd1']);
  });

  it.each([false, true])('say what both halves say (follow: %s)', async (follow) => {
    const lines: string[] = [];
    for await (const { unit, text } of runtime.logs(['pg1', 'etcd1', 'pg2-agent'], { lines: 1, follow, signal }))
      lines.push(`${unit} ${text}`);
    expect([...lines].sort()).toEqual(['etcd1 kubernetes', 'pg1 docker', 'pg2-agent docker']);
  });
});

describe('where members were brought up', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-split-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const applied = (...below: readonly string[]) => {
    mkdirSync(join(folder, ...below), { recursive: true });
    writeFileSync(join(folder, ...below, 'plan.json'), JSON.stringify(pods));
  };

  it('is known by the plans that are kept', () => {
    expect(splitInForce(folder)).toBeUndefined();
    applied();
    expect(splitInForce(folder)).toBe(false);
  });

  it.each(['kubernetes', 'docker'])('is outside as soon as one half was applied (%s)', (half) => {
    applied(half);
    expect(splitInForce(folder)).toBe(true);
  });
});
