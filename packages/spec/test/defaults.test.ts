import { describe, expect, it } from 'vitest';
import { defaultParameters } from '../src/defaults.js';
import { renderHba } from '../src/hba.js';
import { checkParameter, managedParameters } from '../src/parameters.js';
import { parseSpecFile } from '../src/parse-spec-file.js';
import { GiB, MiB, parseSize } from '../src/quantity.js';
import { resolveSpec } from '../src/resolve-spec.js';

const sized = (memoryBytes: number, cores: number, members: number, maxConnections = 200) =>
  defaultParameters({ resources: { memoryBytes, cores }, members, maxConnections });

describe('defaultParameters', () => {
  it('gives a quarter of a member’s share to shared_buffers', () => {
    expect(sized(12 * GiB, 8, 3)).toMatchObject({
      shared_buffers: '1024MB',
      effective_cache_size: '3072MB',
      maintenance_work_mem: '256MB',
      work_mem: '5MB',
      max_parallel_workers: 3,
      max_parallel_workers_per_gather: 2,
      max_worker_processes: 11,
    });
  });

  it('keeps within its bounds', () => {
    expect(sized(128 * MiB, 1, 15)).toMatchObject({
      shared_buffers: '32MB',
      work_mem: '4MB',
      maintenance_work_mem: '32MB',
    });
    expect(sized(4096 * GiB, 256, 1)).toMatchObject({
      shared_buffers: '8192MB',
      work_mem: '64MB',
      maintenance_work_mem: '1024MB',
      max_parallel_workers_per_gather: 4,
    });
  });

  it('never plans with more memory than a member has', () => {
    for (const members of [1, 3, 7, 15]) {
      const share = (32 * GiB) / members;
      const parameters = sized(32 * GiB, 8, members);
      const bytes = (name: string) => parseSize(String(parameters[name])) ?? Number.NaN;
      expect(bytes('shared_buffers')).toBeLessThanOrEqual(share / 4);
      expect(bytes('effective_cache_size')).toBeLessThanOrEqual(share);
    }
  });

  it('bounds the WAL that a dead replica holds back', () => {
    const { max_slot_wal_keep_size: bound, wal_keep_size: kept } = sized(GiB, 1, 3);
    expect(parseSize(String(bound))).toBeGreaterThan(parseSize(String(kept)) ?? Number.NaN);
  });

  it('sizes by the user’s max_connections', () => {
    const file = parseSpecFile('postgres: {parameters: {MAX_connections: "50"}}', 'f');
    const spec = resolveSpec(file, { memoryBytes: 16 * GiB, cores: 4 }, undefined);
    expect(spec.postgres.parameters).toMatchObject({ max_connections: '50', work_mem: '21MB' });
  });

  it('sets nothing that a user would be refused, but for hot_standby', () => {
    const refused = Object.entries(sized(GiB, 1, 3)).filter(
      ([name, value]) => checkParameter(name, value) !== undefined,
    );
    expect(refused).toEqual([['hot_standby', 'on']]);
    expect(managedParameters).toHaveProperty('hot_standby');
  });
});

describe('renderHba', () => {
  it('opens loopback only, and rejects the rest after the user’s lines', () => {
    expect(renderHba(['127.0.0.1'], ['host app app 10.0.0.0/8 scram-sha-256'])).toEqual([
      'host replication replicator 127.0.0.1/32 scram-sha-256',
      'host all postgres,rewinder 127.0.0.1/32 scram-sha-256',
      'host all all 127.0.0.1/32 scram-sha-256',
      'host replication replicator ::1/128 scram-sha-256',
      'host all postgres,rewinder ::1/128 scram-sha-256',
      'host all all ::1/128 scram-sha-256',
      'host app app 10.0.0.0/8 scram-sha-256',
      'host replication all all reject',
      'host all all all reject',
    ]);
  });

  it('knows other loopback addresses', () => {
    expect(renderHba(['127.0.0.9'], [])).toContain('host all all 127.0.0.9/32 scram-sha-256');
    expect(renderHba(['0:0:0:0:0:0:0:1'], [])).toContain('host all all ::1/128 scram-sha-256');
  });

  it('opens the networks of the machine when it listens on one', () => {
    expect(renderHba(['127.0.0.1', '10.1.2.3'], [])).toEqual([
      'host replication replicator samenet scram-sha-256',
      'host all postgres,rewinder samenet scram-sha-256',
      'host all all samenet scram-sha-256',
      'host replication all all reject',
      'host all all all reject',
    ]);
  });
});
