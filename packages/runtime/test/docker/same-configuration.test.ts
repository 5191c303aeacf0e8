import { basename } from 'node:path';
import { containerLayout, type Layout, type Plan, planCluster } from '@holdfast/components';
import { redactTemplate } from '@holdfast/spec';
import { describe, expect, it } from 'vitest';
import { containerSpec } from '../../src/index.js';
import { specOf } from './example.js';

/** The process runtime's place, as it is on a machine. */
const machineLayout: Layout = {
  stateDirectory: '/home/anna/.holdfast/holdfast',
  tools: {
    ...containerLayout.tools,
    etcd: '/opt/etcd/etcd',
    postgresBin: '/usr/pgsql-15/bin',
    haproxy: '/usr/local/sbin/haproxy',
    pgbouncer: '/opt/pgbouncer',
  },
  accounts: containerLayout.accounts,
};

const file =
  'listen: 192.0.2.7\nsynchronous: strict\npostgres: { hba: ["host app app 198.51.100.0/24 scram-sha-256"] }\n';

function texts(plan: Plan, layout: Layout): ReadonlyMap<string, string> {
  const entries = plan.units.flatMap((unit) => [
    ...unit.files.map(({ path, content }) => [`${unit.id}/${basename(path)}`, redactTemplate(content)] as const),
    [`${unit.id}: argv`, unit.argv.join('\n')] as const,
  ]);
  return new Map(entries.map(([name, text]) => [name, neutral(text, layout)]));
}

/** Addresses and paths replaced, and nothing else. */
function neutral(text: string, { stateDirectory, tools, copies = `${stateDirectory}/units/api` }: Layout): string {
  const paths: readonly (readonly [string, string])[] = [
    [`${copies}/keys.json`, '<keys>'],
    [stateDirectory, '<state>'],
    [tools.postgresBin, '<postgres>'],
    [tools.etcd, '<etcd>'],
    [tools.haproxy, '<haproxy>'],
    [tools.pgbouncer, '<pgbouncer>'],
  ];
  return (
    paths
      .reduce((all, [path, word]) => all.replaceAll(path, word), text)
      .replaceAll(/\b(192\.0\.2\.7|10\.213\.\d+\.\d+)\b/g, '<address>')
      // A list that names every machine once names more of them.
      .replaceAll(/"<address>"(,\s*"<address>")+/g, '"<address>"')
  );
}

describe('what runs in containers', () => {
  const machine = texts(planCluster({ spec: specOf(file), layout: machineLayout }), machineLayout);
  const spec = containerSpec(specOf(`runtime: docker\n${file}`));
  const containers = texts(planCluster({ spec, layout: containerLayout }), containerLayout);

  it('has the same files and commands', () => {
    expect([...containers.keys()]).toEqual([...machine.keys()]);
  });

  it.each([...machine.keys()])('is the same but for addresses and paths: %s', (name) => {
    expect(containers.get(name)).toBe(machine.get(name));
  });

  it('has the same settings of Patroni in etcd', () => {
    const dynamic = planCluster({ spec, layout: containerLayout }).dynamicConfiguration;
    expect(dynamic).toEqual(planCluster({ spec: specOf(file), layout: machineLayout }).dynamicConfiguration);
  });
});
