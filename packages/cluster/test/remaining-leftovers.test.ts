import type { UnitStatus } from '@holdfast/runtime';
import { expect, test } from 'vitest';
import { remainingLeftovers } from '../src/doctor/gather-machine.js';

test('what a unit owns by now, and what has ended, is not left over', () => {
  const stranger = (pid: number) => ({ pid, name: 'postgres', because: 'it works in a data directory' });
  const unit = { id: 'pg1', pids: [process.pid] } as unknown as UnitStatus;
  // No pid is larger than 2^22 (proc(5), pid_max).
  const found = [stranger(process.pid), stranger(process.ppid), stranger(2 ** 22 + 1)];
  expect(remainingLeftovers(found, [unit])).toEqual([stranger(process.ppid)]);
});
