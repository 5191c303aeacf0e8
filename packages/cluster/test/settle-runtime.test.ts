import { parseSpecFile } from '@holdfast/spec';
import { describe, expect, it } from 'vitest';
import { settleRuntime } from '../src/open-cluster.js';
import type { ClusterMarker } from '../src/state/state-directory.js';

const loaded = (text: string) => ({ file: parseSpecFile(text, 'holdfast.yaml'), path: undefined, base: '/srv' });
const marker = (more: Partial<ClusterMarker>): ClusterMarker => ({ name: 'main', createdAt: '2026-01-02', ...more });

describe('the runtime of a cluster', () => {
  it.each([
    ['', undefined, undefined, undefined],
    ['runtime: docker', undefined, undefined, 'docker'],
    ['', 'docker', undefined, 'docker'],
    ['runtime: process', 'docker', undefined, 'docker'],
    // What was brought up stays what it is, whatever the file says meanwhile.
    ['', undefined, marker({ runtime: 'docker' }), 'docker'],
    ['runtime: process', undefined, marker({ runtime: 'docker' }), 'docker'],
    // A folder of an earlier version, with a database in it.
    ['', undefined, marker({ systemIdentifier: '7' }), 'process'],
    ['', 'docker', marker({}), 'docker'],
  ] as const)('file %j, asked for %s, state folder %j: %s', (text, asked, state, expected) => {
    expect(settleRuntime(loaded(text), asked, state).file.runtime).toBe(expected);
  });

  it.each([
    ['process', marker({ runtime: 'docker' })],
    ['docker', marker({ systemIdentifier: '7' })],
  ] as const)('is not changed to %s over data', (asked, state) => {
    expect(() => settleRuntime(loaded(''), asked, state)).toThrow(
      expect.objectContaining({ code: 'HF_RUNTIME_CHANGED' }),
    );
  });
});
