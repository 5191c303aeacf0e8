import { parseSpecFile, resolveSpec } from '@holdfast/spec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labHosts, renderLabSpec } from '../src/lab/lab-spec.js';
import { planLabCommands, planLabNetwork } from '../src/lab/plan-lab.js';
import { belongsToLab, mountsBelow, type SeenProcess } from '../src/lab/sweep.js';

const id = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const hosts = fc.integer({ min: 1, max: 15 });

describe('planLabNetwork', () => {
  it('gives every host its own namespace, address and plug, with names that the kernel takes', () => {
    fc.assert(
      fc.property(id, hosts, (given, count) => {
        const lab = planLabNetwork(given, count);
        expect(lab.hosts).toHaveLength(count);
        for (const key of ['namespace', 'address', 'plug'] as const) {
          const values = [...lab.hosts.map((host) => host[key])];
          expect(new Set(values).size).toBe(count);
        }
        expect(lab.hosts.map(({ address }) => address)).not.toContain(lab.address);
        for (const { plug, namespace } of lab.hosts) {
          expect(plug.length).toBeLessThanOrEqual(15);
          expect(namespace).not.toBe(lab.namespace);
        }
      }),
    );
  });

  it('refuses what would not be a lab of its own', () => {
    for (const name of ['', '../x', 'much-too-long', 'A']) expect(() => planLabNetwork(name, 3)).toThrow(RangeError);
    for (const count of [0, 16, 1.5]) expect(() => planLabNetwork('x', count)).toThrow(RangeError);
  });
});

describe('planLabCommands', () => {
  it("never touches the machine's own network: it adds namespaces, and all else is inside one of them", () => {
    fc.assert(
      fc.property(id, hosts, (given, count) => {
        const lab = planLabNetwork(given, count);
        const ours = [lab.namespace, ...lab.hosts.map(({ namespace }) => namespace)];
        for (const command of planLabCommands(lab)) {
          const [first, second, third] = command;
          if (first === 'netns') expect([second, ours.includes(third ?? '')]).toEqual(['add', true]);
          else expect([first, ours.includes(second ?? '')]).toEqual(['-n', true]);
        }
      }),
    );
  });
});

describe('renderLabSpec', () => {
  const cluster = { members: 3, mode: 'strict', agents: true, fence: 'on' } as const;
  const resolve = (text: string, ports?: Parameters<typeof resolveSpec>[2]) =>
    resolveSpec(parseSpecFile(text, 'holdfast.yaml'), { memoryBytes: 8 * 1024 ** 3, cores: 2 }, ports);

  it('puts member i and etcd i on host i, and everything else at the bridge', () => {
    const network = planLabNetwork('x', labHosts(cluster));
    const spec = resolve(renderLabSpec({ folder: '/tmp/lab', network }, cluster));
    expect(spec.members.map(({ host, namespace }) => [host, namespace])).toEqual(
      network.hosts.map(({ address, namespace }) => [address, namespace]),
    );
    expect(spec.etcd.members.map(({ namespace }) => namespace)).toEqual(['hfx-1', 'hfx-2', 'hfx-3']);
    expect([spec.haproxy.host, spec.pooler.host]).toEqual([network.address, network.address]);
    expect(spec.dataDirectory).toBe('/tmp/lab/state');
  });

  it('passes mode, members, agents and fence on', () => {
    const network = planLabNetwork('x', 5);
    const given = { members: 5, mode: 'off', agents: false, fence: 'off' } as const;
    const spec = resolve(renderLabSpec({ folder: '/tmp/lab', network }, given));
    expect([spec.members.length, spec.synchronous.mode, spec.failover.enabled]).toEqual([5, 'off', false]);
    expect(spec.failover.fenceMilliseconds).toBeUndefined();
    const standard = resolve(renderLabSpec({ folder: '/tmp/lab', network }, cluster));
    expect(standard.failover.fenceMilliseconds).toBeGreaterThan(0);
  });
});

describe('sweeping', () => {
  const seen: SeenProcess = {
    ...{ pid: 1, hasTerminal: false, network: 'net:[1]', workingDirectory: '/', environment: '', commandLine: 'sh' },
  };
  const folder = '/tmp/holdfast-chaos-abcdef';
  const belongs = (changes: Partial<SeenProcess>) =>
    belongsToLab({ ...seen, ...changes }, new Set(['net:[7]']), folder);

  it("takes what is in the lab's namespaces or was started in its name, and nothing else", () => {
    expect(belongs({})).toBe(false);
    expect(belongs({ network: 'net:[7]' })).toBe(true);
    expect(belongs({ workingDirectory: `${folder}/state/data/pg1/pgdata` })).toBe(true);
    expect(belongs({ environment: `HOLDFAST_UNIT=${folder}/state#pg1` })).toBe(true);
    expect(belongs({ commandLine: `node main.js ${folder}/state` })).toBe(true);
    expect(belongs({ commandLine: `node main.js ${folder}x/state`, workingDirectory: `${folder}x` })).toBe(false);
  });

  it("spares a person's shell and pager in the folder, but not in a namespace that is about to go", () => {
    expect(belongs({ hasTerminal: true, workingDirectory: folder })).toBe(false);
    expect(belongs({ hasTerminal: true, network: 'net:[7]' })).toBe(true);
  });

  it('unmounts the innermost first, and only below the folder', () => {
    const mounts = [
      'proc /proc proc rw 0 0',
      `holdfast-chaos ${folder}/state/data/pg1 tmpfs rw 0 0`,
      `holdfast-chaos ${folder}/state/data/pg1/with\\040space tmpfs rw 0 0`,
      `holdfast-chaos ${folder}x/data tmpfs rw 0 0`,
    ].join('\n');
    expect(mountsBelow(mounts, folder)).toEqual([`${folder}/state/data/pg1/with space`, `${folder}/state/data/pg1`]);
  });
});
