import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Cut, type PartitionName, planCuts, renderRules } from '../src/faults/plan-cuts.js';
import { planLabNetwork } from '../src/lab/plan-lab.js';

const etcd = [
  { clientPort: 2379, peerPort: 2380 },
  { clientPort: 2479, peerPort: 2480 },
];
const place = fc
  .integer({ min: 3, max: 9 })
  .chain((count) => fc.record({ count: fc.constant(count), target: fc.integer({ min: 0, max: count - 1 }) }));

/** Names of the hosts that each host reaches, by rules that look at addresses alone. */
function reach(name: PartitionName, count: number, target: number): readonly (readonly string[])[] {
  const { hosts } = planLabNetwork('x', count);
  const cuts = planCuts(name, { hosts, target, etcd });
  const drops = (host: string, direction: Cut['direction'], peer: string) =>
    cuts.some((cut) => {
      const listed = /\{ ([^}]*) \}/.exec(cut.match)?.[1]?.split(', ') ?? [];
      return cut.host.address === host && cut.direction === direction && listed.includes(peer);
    });
  return hosts.map((from) =>
    hosts
      .filter((to) => to !== from && !drops(from.address, 'out', to.address) && !drops(to.address, 'in', from.address))
      .map((to) => to.name),
  );
}

describe('planCuts', () => {
  it('isolates one host from all others, and leaves those whole', () => {
    fc.assert(
      fc.property(place, ({ count, target }) => {
        const reached = reach('isolate-from-hosts', count, target);
        expect(reached[target]).toEqual([]);
        for (const [index, names] of reached.entries()) if (index !== target) expect(names).toHaveLength(count - 2);
      }),
    );
  });

  it('halves: two parts, each whole, the target on the smaller side, which is no majority', () => {
    fc.assert(
      fc.property(place, ({ count, target }) => {
        const reached = reach('halve', count, target);
        const minority = (reached[target]?.length ?? 0) + 1;
        expect(minority).toBeLessThan(count / 2);
        for (const names of reached) expect([minority - 1, count - minority - 1]).toContain(names.length);
      }),
    );
  });

  it('rings: each host reaches its two neighbours; of three, the target reaches both and they not each other', () => {
    fc.assert(
      fc.property(place, ({ count, target }) => {
        const reached = reach('ring', count, target);
        if (count > 3) for (const names of reached) expect(names).toHaveLength(2);
        else expect(reached.map((names) => names.length).toSorted()).toEqual([1, 1, 2]);
        if (count === 3) expect(reached[target]).toHaveLength(2);
      }),
    );
  });

  it('refuses a host that is not there', () => {
    const { hosts } = planLabNetwork('x', 3);
    expect(() => planCuts('isolate', { hosts, target: 3, etcd })).toThrow(RangeError);
  });
});

describe('renderRules', () => {
  it('drops on the way in and on the way out, before everything else', () => {
    const { hosts } = planLabNetwork('x', 3);
    expect(
      renderRules('holdfast_chaos_4', planCuts('isolate-from-etcd', { hosts, target: 0, etcd })),
    ).toBe(`table inet holdfast_chaos_4 {
  chain in {
    type filter hook input priority -300;
    tcp sport { 2379, 2479 } counter drop
  }
  chain out {
    type filter hook output priority -300;
    tcp dport { 2379, 2479 } counter drop
  }
}
`);
  });
});
