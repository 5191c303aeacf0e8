import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { planCluster, type Unit } from '../src/index.js';
import { exampleLayout, exampleSpec } from './example.js';
import { onFreePorts } from './free-ports.js';
import { prepareUnit, runOnce, startUnit, temporaryDirectory, unitOf, waitReady, waitUntil } from './run-unit.js';

const installed = existsSync(exampleLayout().tools.pgbouncer);

describe.skipIf(!installed)('PgBouncer with the rendered files', () => {
  async function planned(directory: string): Promise<Unit> {
    const spec = await onFreePorts(exampleSpec());
    return unitOf(planCluster({ spec, layout: exampleLayout(directory) }).units, 'pgbouncer');
  }

  function withIni(unit: Unit, change: (text: string) => string): Unit {
    const files = unit.files.map((file) =>
      file.path.endsWith('.ini') ? { ...file, content: change(String(file.content)) } : file,
    );
    return { ...unit, files };
  }

  it('stays in the foreground, answers, is not root, reads its files again and ends when asked', async () => {
    await using directory = await temporaryDirectory();
    const unit = await planned(directory.path);
    await using running = startUnit(unit);
    await waitReady(unit, running);
    expect(readFileSync(`/proc/${running.process.pid}/comm`, 'utf8').trim()).toBe('pgbouncer');
    expect(readFileSync(`/proc/${running.process.pid}/status`, 'utf8')).not.toMatch(/^Uid:\t0\t/m);

    prepareUnit(withIni(unit, (text) => text.replace('default_pool_size = 20', 'default_pool_size = 7')));
    running.process.kill('SIGHUP');
    await waitUntil('the files were read again', async () => running.output().includes('re-reading config'));

    expect(running.output()).not.toMatch(/WARNING|ERROR|FATAL/);
    running.process.kill(unit.stop.signal);
    const [code, signal] = await once(running.process, 'exit', { signal: AbortSignal.timeout(5000) });
    expect([code, signal]).toEqual([0, null]);
  });

  it('ends at once when its file is broken', async () => {
    await using directory = await temporaryDirectory();
    const unit = withIni(await planned(directory.path), (text) =>
      text.replace('pool_mode = transaction', 'pool_mode = x'),
    );
    const { code, output } = await runOnce(unit, {});
    expect(code).toBe(1);
    expect(output).toContain('pool_mode');
  });
});
