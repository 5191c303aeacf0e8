import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readHbaLine } from '../src/hba-line.js';
import { parseSpecFile } from '../src/parse-spec-file.js';
import { resolveSpec } from '../src/resolve-spec.js';
import { acceptedLines } from './hba-lines.js';

const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : [];
const installed = versions.filter((version) => existsSync(`/usr/lib/postgresql/${version}/bin/initdb`));

/** Lines from the pieces that pg_hba.conf lines are made of, right and wrong. */
const lines = fc.sample(
  fc
    .tuple(
      fc.constantFrom('host', 'hostssl', 'hostnossl', 'hostgssenc', 'hostnogssenc', 'local', 'host,', '"host"'),
      fc.constantFrom('all', 'a,b', 'a, b', 'replication', '"x y"', 'a"l"l', '""', 'all #', '\u00a0'),
      fc.constantFrom('all', '+a', 'a ,b', '"#"', ',a'),
      fc.constantFrom(
        'all',
        '"all"',
        'a"ll"',
        'samenet',
        '10.0.0.0/8',
        '0.0.0.0/0',
        '0/0',
        '10.0.0.1',
        '::/0',
        '.x.y',
        '',
      ),
      fc.constantFrom('', '', '255.0.0.0', '0.0.0.0', '::', 'reject'),
      fc.constantFrom('scram-sha-256', '"scram-sha-256"', 'reject', 'trust', 'gss', 'peer', 'cert', 'md5', 'scram'),
      fc.constantFrom(
        '',
        '',
        '',
        '# x',
        'map=x',
        'clientcert=verify-full',
        'clientname=DN',
        'include_realm=0',
        'x',
        ',',
      ),
    )
    .map((parts) => parts.join(' ')),
  { numRuns: 20_000, seed: 15 },
);

/** PostgreSQL itself, in single-user mode (no server, no port), says whether it takes what the spec resolves to. */
describe.skipIf(installed.length === 0).each(installed)('PostgreSQL %s', (version) => {
  let directory = '';
  const data = () => join(directory, 'data');

  function run(program: string, args: readonly string[], input = ''): string {
    const path = `/usr/lib/postgresql/${version}/bin/${program}`;
    const asRoot = userInfo().uid === 0;
    const [command, ...rest] = asRoot ? ['runuser', '-u', 'postgres', '--', path, ...args] : [path, ...args];
    const options = { cwd: '/', input, encoding: 'utf8', timeout: 60_000, maxBuffer: 2 ** 26 } as const;
    const result = spawnSync(command ?? '', rest, options);
    expect(result.status, result.stderr).toBe(0);
    return result.stdout;
  }

  function query(sql: string): readonly string[] {
    const output = run('postgres', ['--single', '-D', data(), '-c', 'log_min_messages=fatal', 'postgres'], `${sql}\n`);
    return [...output.matchAll(/ = "(.*)"\t\(typeid/g)].map(([, value]) => value ?? '');
  }

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'holdfast-spec-'));
    chmodSync(directory, 0o755);
    if (userInfo().uid === 0) {
      const id = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
      chownSync(directory, id('-u'), id('-g'));
    }
    run('initdb', ['-D', data(), '-U', 'postgres', '-N', '--auth=reject', '-E', 'UTF8', '--locale=C']);
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('takes the default parameters', () => {
    const { parameters } = resolveSpec(parseSpecFile('', 'f'), { memoryBytes: 2 ** 30, cores: 2 }, undefined).postgres;
    // Patroni leaves out what a server does not know; of ours that is only what a minor release of 2026 brought.
    const known = new Set(
      run('postgres', ['--describe-config'])
        .split('\n')
        .map((line) => line.split('\t')[0]),
    );
    const [taken, left] = [true, false].map((there) =>
      Object.keys(parameters).filter((name) => known.has(name) === there),
    );
    expect(['output_plugin_libraries']).toEqual(expect.arrayContaining(left ?? []));
    const settings = (taken ?? []).map((name) => `${name} = '${String(parameters[name])}'\n`);
    writeFileSync(join(data(), 'postgresql.conf'), settings.join(''));
    const applied = query("select name from pg_settings where source = 'configuration file'");
    expect(applied.toSorted()).toEqual(taken?.toSorted());
  });

  it('understands pg_hba.conf lines as we do', () => {
    const accepted = [...new Set([...acceptedLines, ...lines])].flatMap((line) => {
      const reading = readHbaLine(line);
      return reading.ok ? [{ line, ...reading.line }] : [];
    });
    expect(accepted.length).toBeGreaterThan(500);
    writeFileSync(join(data(), 'postgresql.conf'), 'ssl = on\n');
    writeFileSync(join(data(), 'pg_hba.conf'), accepted.map(({ line }) => `${line}\n`).join(''));
    const open = "address = 'all' or coalesce(netmask, '1') in ('0.0.0.0', '::')";
    const rules = query(
      `select coalesce(error, type || ' ' || auth_method || ' ' || (coalesce(${open}, false)))
      || '|' || line_number from pg_hba_file_rules`.replace('\n', ' '),
    );
    const said = new Map(rules.map((rule) => [Number(rule.split('|')[1]) - 1, rule.split('|')[0]]));
    const different = accepted.flatMap(({ line, type, method, open }, index) => {
      const ours = `${type} ${method} ${open}`;
      return said.get(index) === ours ? [] : [`${line}: ${ours}, but PostgreSQL: ${said.get(index)}`];
    });
    // In this view, a quoted "all" looks like the keyword.
    expect(different.filter((difference) => !/ "all" .*false, but .*true$/.test(difference))).toEqual([]);
  });
});
