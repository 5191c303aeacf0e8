import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HoldfastError, SpecInvalidError, type SpecIssue } from '../src/errors.js';
import { parseSpecFile } from '../src/parse-spec-file.js';

function failure(text: string): SpecInvalidError {
  try {
    parseSpecFile(text, 'holdfast.yaml');
  } catch (error) {
    if (error instanceof SpecInvalidError) return error;
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

const issuesOf = (text: string): readonly SpecIssue[] => failure(text).issues;

describe('what is right', () => {
  it.each(['', '# nothing\n', '---\n', '{}'])('takes %j as the default cluster', (text) =>
    expect(parseSpecFile(text, 'f')).toEqual({}),
  );

  it('turns durations into milliseconds and sizes into bytes', () => {
    const file = parseSpecFile(
      'patroni: {ttl: 30, loopWait: 2s, maximumLagOnFailover: 16MB}\netcd: {heartbeat: 50, quota: 1GiB}\nhaproxy: {idleTimeout: 0}',
      'f',
    );
    expect(file.patroni).toEqual({ ttl: 30_000, loopWait: 2000, maximumLagOnFailover: 16 * 2 ** 20 });
    expect(file.etcd).toEqual({ heartbeat: 50, quota: 2 ** 30 });
    expect(file.haproxy).toEqual({ idleTimeout: 0 });
  });

  it.each([
    ['on', 'on'],
    ['true', 'on'],
    ['false', 'off'],
    ['off', 'off'],
    ['strict', 'strict'],
    ['{mode: quorum}', 'quorum'],
    ['{mode: true}', 'on'],
  ])('synchronous: %s', (written, mode) =>
    expect(parseSpecFile(`synchronous: ${written}`, 'f').synchronous).toEqual({ mode }),
  );

  it('reads JSON', () => expect(parseSpecFile('{"members": 5}', 'f')).toEqual({ members: 5 }));
});

describe('what is wrong', () => {
  it.each([
    ['members: 16', 'members', 'from 1 to 15'],
    ['members: 2.5', 'members', 'whole number'],
    ['members: three', 'members', 'whole number'],
    ['members:', 'members', 'whole number'],
    ['name: A_b', 'name', 'DNS label'],
    ['name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'name', '30 characters'],
    ['runtime: podman', 'runtime', 'process, docker or kubernetes'],
    ['etcd: {size: 4}', 'etcd.size', '1, 3, 5 or 7'],
    ['etcd: {heartbeat: 500ms}', 'etcd.electionTimeout', '5 heartbeats'],
    ['etcd: 3', 'etcd', 'group of settings'],
    ['postgres: {version: 12}', 'postgres.version', '13 to 18'],
    ['postgres: {parameters: {work_mem: [1]}}', 'postgres.parameters.work_mem', 'text, a number or a boolean'],
    ['postgres: {parameters: {fsync: off}}', 'postgres.parameters.fsync', 'damaged'],
    ['postgres: {parameters: {port: 1}}', 'postgres.parameters.port', 'ports.postgres'],
    ['postgres: {parameters: {"x.y.z": 1}}', 'postgres.parameters["x.y.z"]', 'not a parameter name'],
    ['postgres: {hba: [host all all all trust]}', 'postgres.hba[0]', 'without a password'],
    ['postgres: {hba: [3]}', 'postgres.hba[0]', 'as text'],
    ['patroni: {ttl: 10s}', 'patroni.ttl', '20s to 1h'],
    ['patroni: {loopWait: 1500ms}', 'patroni.loopWait', 'whole seconds'],
    ['patroni: {retryTimeout: 10}', 'patroni.ttl', '1 + 2 × 10 = 21 s'],
    ['patroni: {maximumLagOnFailover: much}', 'patroni.maximumLagOnFailover', 'size'],
    ['synchronous: yes', 'synchronous', 'off, on, strict or quorum'],
    ['synchronous: {standbys: 3}', 'synchronous.standbys', 'less than members'],
    ['members: 1\nsynchronous: {mode: quorum, standbys: 1}', 'synchronous.standbys', 'less than members'],
    ['members: 1\nsynchronous: strict', 'synchronous', 'one member'],
    ['postgres: {parameters: {synchronous_commit: local}}', 'postgres.parameters.synchronous_commit', 'would lose'],
    ['members: 9\npostgres: {parameters: {max_wal_senders: 5}}', 'postgres.parameters.max_wal_senders', 'each replica'],
    ['ports: aut', 'ports', 'must be auto'],
    ['ports: {readWrite: 0}', 'ports.readWrite', '1 to 65535'],
    ['ports: {postgres: [70000, 1, 2]}', 'ports.postgres[0]', '1 to 65535'],
    ['ports: {postgres: 65534}', 'ports.postgres', '65536'],
    ['ports: {patroni: [1, 2]}', 'ports.patroni', 'has 2'],
    ['ports: {postgres: 4998}', 'ports.postgres', 'port 5000 both to pg3'],
    ['ports: {readOnly: 5000}', 'ports.readOnly', 'port 5000 both'],
    ['ports: {etcdPeer: 2379}', 'ports.etcdPeer', 'port 2379 both'],
    ['listen: localhost', 'listen', 'IP address'],
    ['listen: "::"', 'listen', 'wildcard'],
    ['listen: 0.0.0.0', 'listen', 'wildcard'],
    ['docker: {subnet: 10.0.0.0}', 'docker.subnet', 'IPv4 network'],
    ['docker: {subnet: 10.0.0.0/28}', 'docker.subnet', 'IPv4 network'],
    ['docker: {baseImage: "a b"}', 'docker.baseImage', 'name of an image'],
    ['hosts: [{address: 10.0.0.1, engine: "root@host"}]', 'hosts[0].engine', 'DOCKER_HOST'],
    ['runtime: docker\nhosts: [{address: 10.0.0.1}]', 'listen', 'loopback'],
    [
      'runtime: docker\nlisten: 10.0.0.1\nhosts: [{address: 10.0.0.1, namespace: one}]',
      'hosts[0].namespace',
      'network of their host',
    ],
    ['dataDirectory: state', 'dataDirectory', 'absolute'],
    ['dataDirectory: /srv/..', 'dataDirectory', 'not /'],
    ['resources: {memory: 1MB}', 'resources.memory', '128MiB'],
    ['pooler: {enabled: yes}', 'pooler.enabled', 'true or false'],
    ['- 1', '(document)', 'group of settings'],
    ['__proto__: {members: 3}', '(document)', 'plain name'],
    ['? [a]\n: 1', '(document)', 'plain name'],
    ['members: 3\nmembers: 5', 'members', 'twice, first on line 1'],
    ['postgres:\n  parameters: {a: 1, a: 2}', 'postgres.parameters.a', 'twice'],
    ['name: &n a\nruntime: *n', 'runtime', 'alias'],
    ['members: !!binary aGk=', 'members', 'whole number'],
    ['members: !mine 3', '(document)', 'tag'],
    ['a: 1\n---\nb: 2', '(document)', 'not valid YAML'],
  ])('%j: %s', (text, path, problem) => {
    const issues = issuesOf(text);
    expect(issues).toHaveLength(1);
    expect(issues[0]).toMatchObject({ path, problem: expect.stringContaining(problem) });
    expect(issues[0]?.suggestion).not.toBe('');
  });

  it.each([
    ['etcd: {siez: 3}', '`size`'],
    ['patroni: {loop_wait: 3}', '`loopWait`'],
    ['ttl: 3', '`patroni.ttl`'],
    ['membres: 3', '`members`'],
    ['zzz: 3', 'Known here: name, runtime'],
  ])('suggests a key for %j', (text, suggestion) => {
    expect(issuesOf(text)).toMatchObject([
      { problem: 'is not a setting', suggestion: expect.stringContaining(suggestion) },
    ]);
  });

  it('reports everything at once, by line, with the values', () => {
    const text = [
      'members: 3',
      'etcd:',
      '  size: 4',
      'synchronous:',
      '  standbys: 3',
      'postgres:',
      '  hba:',
      '    - host all all 10.0.0.0/8 scram-sha-256',
      '    - host all all 10.0.0.0/8 md5',
      'nmae: x',
    ].join('\n');
    const error = failure(text);
    expect(error.issues.map(({ line, path, value }) => [line, path, value])).toEqual([
      [3, 'etcd.size', '4'],
      [5, 'synchronous.standbys', '3'],
      [9, 'postgres.hba[1]', '"host all all 10.0.0.0/8 md5"'],
      [10, 'nmae', '"x"'],
    ]);
    expect(error).toMatchObject({
      code: 'HF_SPEC_INVALID',
      exitCode: 2,
      message: 'holdfast.yaml is not valid: 4 errors.',
    });
    expect(error.detail).toContain(
      'holdfast.yaml:3: etcd.size: must be 1, 3, 5 or 7 (found: 4)\n    Write for example',
    );
    expect(JSON.parse(JSON.stringify(error)).issues).toHaveLength(4);
  });

  it('does not complain about what follows from another error', () => {
    expect(issuesOf('members: 99\nsynchronous: {standbys: 5}').map(({ path }) => path)).toEqual(['members']);
    expect(issuesOf('patroni: {ttl: 1, loopWait: 60}').map(({ path }) => path)).toEqual(['patroni.ttl']);
  });

  it('gives line and column of a syntax error', () => {
    expect(issuesOf('members: 3\nname: [a\n')).toMatchObject([{ path: '(document)', line: 3, column: 1 }]);
    expect(issuesOf('members: 3\n\tname: a\n')).toMatchObject([{ line: 2 }]);
  });

  it('shows no value that may be a secret', () => {
    const text = [
      'postgres:',
      '  parameters:',
      '    primary_conninfo: host=a password=hunter2',
      '    ssl_passphrase_command: [hunter2]',
      '  hba:',
      '    - host all all all ldap ldapbindpasswd=hunter2',
      '    - host all all all radius radiussecrets="hunter2"',
      'password: hunter2',
    ].join('\n');
    const error = failure(text);
    expect(error.issues).toHaveLength(5);
    expect(JSON.stringify(error) + error.message).not.toContain('hunter2');
    expect(failure('password: "hunter2').detail).not.toContain('hunter2');
  });

  it('survives deep nesting', () => {
    expect(issuesOf('['.repeat(50_000))).toHaveLength(1);
    expect(issuesOf(`${'a: {'.repeat(30)}${'}'.repeat(30)}`).length).toBeGreaterThan(0);
  });
});

describe('any input', () => {
  const keys = [
    'members',
    'etcd',
    'size',
    'ports',
    'postgres',
    'parameters',
    'hba',
    'synchronous',
    'mode',
    '__proto__',
  ];
  const scalars = fc.oneof(fc.constantFrom('auto', 'on', '1s', '1GiB', null), fc.integer(), fc.double(), fc.boolean());
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      scalars,
      fc.string(),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string()), tie('tree'), { maxKeys: 4 }),
    ),
  }));
  const bits = [
    '- ',
    ': ',
    '\n',
    '  ',
    '&a ',
    '*a',
    '!t ',
    '"',
    "'",
    '|',
    '>',
    '? ',
    '{',
    '}',
    '[',
    ']',
    '%YAML 1.1\n',
    '---\n',
    '<<',
  ];
  const yamlish = fc
    .array(fc.oneof(fc.constantFrom(...bits, ...keys), fc.string({ maxLength: 4 })), { maxLength: 25 })
    .map((parts) => parts.join(''));

  const check = (text: string) => {
    try {
      parseSpecFile(text, 'f');
    } catch (error) {
      expect(error).toBeInstanceOf(SpecInvalidError);
      expect((error as HoldfastError).code).toBe('HF_SPEC_INVALID');
      const { issues } = error as SpecInvalidError;
      expect(issues.length).toBeGreaterThan(0);
      for (const issue of issues) {
        expect(issue.path).not.toBe('');
        expect(issue.line).toBeGreaterThanOrEqual(1);
        expect(issue.problem).not.toBe('');
        expect(issue.suggestion).not.toBe('');
      }
    }
  };

  it('is accepted or refused with HF_SPEC_INVALID: JSON', () => {
    fc.assert(
      fc.property(tree, (value) => check(JSON.stringify(value))),
      { numRuns: 1000 },
    );
  });

  it('is accepted or refused with HF_SPEC_INVALID: text', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), yamlish), check), { numRuns: 2000 });
  });
});
