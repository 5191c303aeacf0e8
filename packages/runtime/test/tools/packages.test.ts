import { describe, expect, test } from 'vitest';
import { manualCommand } from '../../src/process/tools/ensure-tools.js';
import type { ToolName } from '../../src/process/tools/find-tools.js';
import {
  type AptOffer,
  choosePackages,
  consideredPackages,
  parseAptPolicy,
  patroniLibraries,
} from '../../src/process/tools/packages.js';

const everything: readonly ToolName[] = ['etcd', 'haproxy', 'pgbouncer', 'postgres', 'patroni'];
const offer = (candidates: Readonly<Record<string, string>>): AptOffer => ({ candidates });

const debian12 = offer({
  'etcd-server': '3.4.23-4+b4',
  haproxy: '2.6.12-1+deb12u2',
  pgbouncer: '1.18.0-1',
  patroni: '3.0.2-1',
  'postgresql-15': '15.14-0+deb12u1',
});
const debian13 = offer({
  'etcd-server': '3.5.16-4',
  haproxy: '3.0.11-1',
  pgbouncer: '1.24.1-1',
  patroni: '4.0.7-3~deb13u1',
  'postgresql-17': '17.6-0+deb13u1',
});
const ubuntu2204 = offer({
  etcd: '3.3.25+dfsg-7',
  haproxy: '2.4.24-0ubuntu0.22.04.1',
  pgbouncer: '1.16.1-1ubuntu1',
  patroni: '2.1.2-1',
  'postgresql-14': '14.13-0ubuntu0.22.04.1',
});

describe('choosePackages', () => {
  test('Debian 12: PostgreSQL 15, Patroni by its libraries, itself fetched', () => {
    const choice = choosePackages(everything, debian12, undefined);
    expect(choice).toEqual({
      packages: ['etcd-server', 'haproxy', 'pgbouncer', 'postgresql-15', ...patroniLibraries].sort(),
      fetchPatroni: true,
      unavailable: [],
    });
    expect(choice.packages).not.toContain('patroni');
  });

  test('Debian 13: its own Patroni 4 and PostgreSQL 17', () => {
    expect(choosePackages(everything, debian13, undefined)).toEqual({
      packages: ['etcd-server', 'haproxy', 'patroni', 'pgbouncer', 'postgresql-17', 'python3-etcd', 'python3-psycopg2'],
      fetchPatroni: false,
      unavailable: [],
    });
  });

  test('Ubuntu: etcd under its older name', () => {
    const choice = choosePackages(everything, ubuntu2204, undefined);
    expect(choice.packages).toEqual(expect.arrayContaining(['etcd', 'postgresql-14']));
    expect(choice.packages).not.toContain('etcd-server');
    expect(choice.fetchPatroni).toBe(true);
    expect(choice.unavailable).toEqual([]);
  });

  test('only what is missing', () => {
    expect(choosePackages(['haproxy'], debian12, undefined)).toEqual({
      packages: ['haproxy'],
      fetchPatroni: false,
      unavailable: [],
    });
    expect(choosePackages([], debian12, undefined)).toEqual({ packages: [], fetchPatroni: false, unavailable: [] });
  });

  test('15 before all, then the newest', () => {
    const many = Object.fromEntries([13, 14, 15, 16, 17, 18].map((major) => [`postgresql-${major}`, `${major}.1-1`]));
    expect(choosePackages(['postgres'], offer(many), undefined).packages).toEqual(['postgresql-15']);
    const { 'postgresql-15': _, ...others } = many;
    expect(choosePackages(['postgres'], offer(others), undefined).packages).toEqual(['postgresql-18']);
  });

  test('the major version that was asked for, or none', () => {
    expect(choosePackages(['postgres'], debian13, 17).packages).toEqual(['postgresql-17']);
    expect(choosePackages(['postgres'], debian13, 15)).toEqual({
      packages: [],
      fetchPatroni: false,
      unavailable: ['PostgreSQL 15'],
    });
  });

  test('what nobody offers is named', () => {
    expect(choosePackages(everything, offer({}), undefined).unavailable).toEqual([
      'etcd',
      'haproxy',
      'pgbouncer',
      'PostgreSQL',
    ]);
  });

  test('Patroni is taken from the system from 4 on, by number and not by letter', () => {
    expect(choosePackages(['patroni'], offer({ patroni: '10.0-1' }), undefined).fetchPatroni).toBe(false);
    expect(choosePackages(['patroni'], offer({ patroni: '3.3.2-1' }), undefined).fetchPatroni).toBe(true);
    expect(choosePackages(['patroni'], offer({}), undefined).fetchPatroni).toBe(true);
  });

  test('looks only at packages whose policy is asked for', () => {
    for (const { candidates } of [debian12, debian13, ubuntu2204]) {
      for (const name of Object.keys(candidates)) expect(consideredPackages).toContain(name);
    }
  });
});

test('parseAptPolicy takes candidates, not what is installed, and no package without one', () => {
  const text = `etcd-server:
  Installed: (none)
  Candidate: 3.4.23-4+b4
  Version table:
     3.4.23-4+b4 500
        500 http://deb.example.org/debian bookworm/main amd64 Packages
patroni:
  Installed: 3.0.1-1
  Candidate: 3.0.2-1
  Version table:
     3.0.2-1 500
 *** 3.0.1-1 100
postgresql-18:
  Installed: (none)
  Candidate: (none)
  Version table:
`;
  expect(parseAptPolicy(text)).toEqual({ candidates: { 'etcd-server': '3.4.23-4+b4', patroni: '3.0.2-1' } });
  expect(parseAptPolicy('')).toEqual({ candidates: {} });
});

describe('manualCommand', () => {
  const missing = (...tools: readonly ToolName[]) => ({
    missing: tools.map((tool) => ({ tool, reason: `${tool} is not installed` })),
  });

  test('is one apt line with sorted packages', () => {
    expect(manualCommand(missing('haproxy', 'etcd', 'postgres'), true, 15)).toBe(
      'sudo apt-get install --no-install-recommends etcd-server haproxy postgresql-15',
    );
    expect(manualCommand(missing('postgres'), true, undefined)).toMatch(/ postgresql$/);
  });

  test('for Patroni it names the libraries, for the system’s own is too old', () => {
    const words = manualCommand(missing('patroni'), true, undefined).split(' ');
    expect(words).toEqual(expect.arrayContaining([...patroniLibraries]));
    expect(words).not.toContain('patroni');
  });

  test('without apt it names the programs', () => {
    const text = manualCommand(missing('haproxy', 'patroni'), false, undefined);
    expect(text).toContain('haproxy, patroni');
    expect(text).toContain('HOLDFAST_PATRONI');
    expect(text).not.toContain('apt');
  });
});
