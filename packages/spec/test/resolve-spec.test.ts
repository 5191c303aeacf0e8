import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClusterSpec, Machine, PortAssignment } from '../src/cluster-spec.js';
import { parseSpecFile } from '../src/parse-spec-file.js';
import { fixedPorts, listPorts, requestedPorts } from '../src/ports.js';
import { resolveSpec } from '../src/resolve-spec.js';

const machine: Machine = { memoryBytes: 16 * 2 ** 30, cores: 8 };
const resolve = (text: string, ports?: PortAssignment): ClusterSpec =>
  resolveSpec(parseSpecFile(text, 'holdfast.yaml'), machine, ports);

function portsOf(spec: ClusterSpec): readonly number[] {
  return [
    ...spec.members.flatMap(({ port, patroniPort, agentPort }) => [port, patroniPort, agentPort]),
    ...spec.etcd.members.flatMap(({ clientPort, peerPort }) => [clientPort, peerPort]),
    ...[spec.haproxy.readWritePort, spec.haproxy.readOnlyPort, spec.haproxy.statsPort, spec.pooler.port, spec.api.port],
  ];
}

describe('requests from SQL', () => {
  it.each([
    ['', true, 21_600],
    ['supabase: {net: {enabled: false}}', false, 21_600],
    ['supabase: {enabled: false}', false, 21_600],
    ['supabase: {enabled: false, net: {enabled: true}}', false, 21_600],
    ['supabase: {net: {keepAnswers: 2d}}', true, 172_800],
  ])('%j', (text, enabled, answersKeptSeconds) => {
    expect(resolve(text).supabase.net).toEqual({ enabled, answersKeptSeconds });
  });
});

describe('the API', () => {
  it('is never there without the database for Supabase, and in Kubernetes only if it is asked for', () => {
    expect(resolve('').api.enabled).toBe(true);
    expect(resolve('api: {enabled: true}').api.enabled).toBe(true);
    expect(resolve('api: {enabled: true}\nsupabase: {enabled: false}').api.enabled).toBe(false);
    expect(resolve('runtime: docker').api.enabled).toBe(true);
    expect(resolve('runtime: docker\nsupabase: {enabled: false}').api.enabled).toBe(false);
    expect(resolve('runtime: kubernetes').api.enabled).toBe(false);
    expect(resolve('runtime: kubernetes\napi: {enabled: true}').api.enabled).toBe(true);
  });

  it('is strict in production, unless told otherwise', () => {
    expect(resolve('').api.auth).toMatchObject({ confirmEmail: false, passwordLength: 6 });
    expect(resolve('api: {profile: production}').api.auth).toMatchObject({ confirmEmail: true, passwordLength: 8 });
    const text = 'api: {profile: production, auth: {confirmEmail: false, jwtExpiry: 10min}}';
    expect(resolve(text).api.auth).toMatchObject({ confirmEmail: false, jwtExpirySeconds: 600 });
  });

  it('has the address that clients use', () => {
    expect(resolve('').api.externalUrl).toBe('http://127.0.0.1:8000');
    expect(resolve('listen: "::1"\nports: {api: 8001}').api.externalUrl).toBe('http://[::1]:8001');
    expect(resolve('api: {externalUrl: "https://api.example.com/"}').api.externalUrl).toBe('https://api.example.com');
    const inKubernetes = 'name: shop\nruntime: kubernetes\n';
    expect(resolve(inKubernetes).api.externalUrl).toBe('http://api.shop.svc.cluster.local:8000');
    const ingress = 'kubernetes: {ingress: {api: api.example.com, issuer: letsencrypt}}';
    expect(resolve(`${inKubernetes}${ingress}`).api.externalUrl).toBe('https://api.example.com');
  });
});

describe('the default cluster', () => {
  const spec = resolve('');

  it('has the documented shape', () => {
    expect(spec).toMatchObject({
      name: 'holdfast',
      runtime: 'process',
      listen: '127.0.0.1',
      members: [
        { name: 'pg1', host: '127.0.0.1', port: 5432, patroniPort: 8008, agentPort: 8108 },
        { name: 'pg2', port: 5433, patroniPort: 8009 },
        { name: 'pg3', port: 5434, patroniPort: 8010 },
      ],
      synchronous: { mode: 'strict', standbys: 1 },
      failover: { enabled: true, silenceMilliseconds: 450, fenceMilliseconds: 5000 },
      patroni: { ttl: 20, loopWait: 1, retryTimeout: 9, maximumLagOnFailover: 2 ** 20, failsafe: true },
      etcd: {
        members: [
          { name: 'etcd1', clientPort: 2379, peerPort: 2380 },
          { name: 'etcd2', clientPort: 2479, peerPort: 2480 },
          { name: 'etcd3', clientPort: 2579, peerPort: 2580 },
        ],
      },
      haproxy: { readWritePort: 5000, readOnlyPort: 5001, statsPort: 7000 },
      pooler: { enabled: true, port: 6543, mode: 'transaction' },
      dataDirectory: undefined,
      warnings: [],
    });
  });

  it('is frozen and plain', () => {
    expect(Object.isFrozen(spec.postgres.parameters)).toBe(true);
    expect(Object.isFrozen(spec.members[0])).toBe(true);
    expect(JSON.parse(JSON.stringify(spec))).toEqual(spec);
  });
});

describe('warnings', () => {
  it.each([
    ['members: 1', 'no failover'],
    ['members: 2\nsynchronous: on', '2 is even'],
    ['members: 4', '4 is even'],
    ['etcd: {size: 1}', 'one etcd member'],
    ['synchronous: off', 'may lose'],
    ['synchronous: {mode: strict, standbys: 2}', 'any member is down'],
    ['postgres: {parameters: {synchronous_commit: remote_write}}', 'with the power'],
    ['postgres: {hba: ["host app app 0.0.0.0/0 scram-sha-256"]}', 'postgres.hba[0]: every address'],
    ['postgres: {hba: ["hostssl app app ::/0 cert"]}', 'postgres.hba[0]: every address'],
    ['listen: 10.0.0.5', 'not loopback'],
    ['resources: {memory: 1TB}', 'more than this machine'],
    ['resources: {cores: 64}', 'more than the 8'],
    ['resources: {memory: 200MB}', 'slow'],
  ])('%s', (text, words) => expect(resolve(text).warnings).toEqual([expect.stringContaining(words)]));

  it.each(['members: 5', 'synchronous: strict', 'postgres: {hba: [host all all all reject]}', 'listen: "::1"'])(
    'none for %s',
    (text) => expect(resolve(text).warnings).toEqual([]),
  );
});

it('runs one member without synchronous replication unless told otherwise', () => {
  expect(resolve('members: 1').synchronous.mode).toBe('off');
  expect(resolve('members: 1\nsynchronous: on').synchronous.mode).toBe('on');
  expect(resolve('members: 1\npostgres: {parameters: {synchronous_commit: off}}').warnings).toHaveLength(1);
});

describe('ports', () => {
  const auto: PortAssignment = {
    postgres: [40001, 40002, 40003],
    patroni: [40004, 40005, 40006],
    etcdClient: [40007, 40008, 40009],
    etcdPeer: [40010, 40011, 40012],
    readWrite: 40013,
    readOnly: 40014,
    haproxyStats: 40015,
    pooler: 40016,
    agent: [40017, 40018, 40019],
    api: 40020,
  };

  it('takes those chosen earlier for auto', () => {
    expect(requestedPorts(parseSpecFile('ports: auto', 'f'))).toBe('auto');
    expect(portsOf(resolve('ports: auto', auto)).toSorted()).toEqual(Array.from({ length: 20 }, (_, i) => 40001 + i));
  });

  it('says so when they are missing or too few', () => {
    const error = expect.objectContaining({ code: 'HF_SPEC_PORTS_NOT_CHOSEN' });
    expect(() => resolve('ports: auto')).toThrow(error);
    expect(() => resolve('ports: auto\nmembers: 5', auto)).toThrow(error);
    expect(() => resolve('ports: auto\netcd: {size: 5}', auto)).toThrow(error);
  });

  it('ignores them when the file gives ports', () => expect(resolve('', auto).haproxy.readWritePort).toBe(5000));

  it('takes a first port or a list', () => {
    const spec = resolve('ports: {postgres: 15432, patroni: [18001, 18003, 18002], etcdClient: 12379, pooler: 16543}');
    expect(spec.members.map(({ port, patroniPort }) => [port, patroniPort])).toEqual([
      [15432, 18001],
      [15433, 18003],
      [15434, 18002],
    ]);
    expect(spec.etcd.members.map(({ clientPort }) => clientPort)).toEqual([12379, 12479, 12579]);
    expect(spec.pooler.port).toBe(16543);
  });

  it('may reuse the port of a pooler that is off', () => {
    expect(resolve('pooler: {enabled: false}\nports: {readWrite: 6543}').haproxy.readWritePort).toBe(6543);
  });

  it('names every port', () => {
    const named = listPorts(fixedPorts({ members: 1, etcdSize: 1 }), { pooler: true, api: true });
    expect(named.map(({ owner, port }) => `${port} ${owner}`)).toEqual([
      '5432 pg1',
      '8008 Patroni of pg1',
      '8108 agent of pg1',
      '2379 etcd1, clients',
      '2380 etcd1, peers',
      '5000 HAProxy, read-write',
      '5001 HAProxy, read-only',
      '7000 HAProxy, statistics',
      '6543 PgBouncer',
      "8000 Supabase's API",
    ]);
  });

  it('are pairwise distinct by default, for every size', () => {
    for (let members = 1; members <= 15; members += 1) {
      for (const size of [1, 3, 5, 7]) {
        const ports = portsOf(resolve(`members: ${members}\netcd: {size: ${size}}`));
        expect(ports).toHaveLength(3 * members + 2 * size + 5);
        expect(new Set(ports).size).toBe(ports.length);
      }
    }
  });
});

describe('properties', () => {
  const port = fc.integer({ min: 1, max: 65535 });
  const file = fc.record(
    {
      members: fc.integer({ min: 1, max: 15 }),
      etcd: fc.record({ size: fc.constantFrom(1, 3, 5, 7) }),
      synchronous: fc.constantFrom('off', 'on', 'quorum', true, false),
      ports: fc.record({ postgres: port, patroni: port, etcdClient: port, readWrite: port }, { requiredKeys: [] }),
      listen: fc.oneof(fc.ipV4(), fc.ipV6()),
      postgres: fc.record({
        parameters: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}_x$/), fc.oneof(fc.integer(), fc.boolean())),
      }),
    },
    { requiredKeys: [] },
  );
  const anyMachine = fc.record({
    memoryBytes: fc.integer({ min: 2 ** 28, max: 2 ** 44 }),
    cores: fc.integer({ min: 1, max: 512 }),
  });

  it('what parses resolves, always to the same, with distinct ports and the user’s parameters', () => {
    let resolved = 0;
    fc.assert(
      fc.property(file, anyMachine, (written, on) => {
        const text = JSON.stringify(written);
        let parsed: ReturnType<typeof parseSpecFile>;
        try {
          parsed = parseSpecFile(text, 'f');
        } catch {
          return;
        }
        resolved += 1;
        const spec = resolveSpec(parsed, on, undefined);
        expect(JSON.stringify(resolveSpec(parseSpecFile(text, 'f'), { ...on }, undefined))).toBe(JSON.stringify(spec));
        const ports = portsOf(spec);
        expect(new Set(ports).size).toBe(ports.length);
        expect(ports.every((number) => number >= 1 && number <= 65535)).toBe(true);
        expect(spec.postgres.parameters).toMatchObject(written.postgres?.parameters ?? {});
      }),
      { numRuns: 300 },
    );
    expect(resolved).toBeGreaterThan(50);
  });
});
