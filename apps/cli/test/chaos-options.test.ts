import { describe, expect, it } from 'vitest';
import { parseRunOptions, type RawRunOptions } from '../src/commands/chaos/run-options.js';

const standard: RawRunOptions = {
  duration: '2h',
  workload: 'set,append,bank,register',
  clients: '4',
  rate: '50',
  mode: 'strict',
  fence: 'on',
  members: '3',
  agents: true,
};
const surroundings = { fresh: '4711', now: new Date('2026-01-02T03:04:05Z'), cwd: '/srv/runs' };
const parse = (changes: Partial<RawRunOptions> = {}, names: readonly string[] = []) =>
  parseRunOptions(names, { ...standard, ...changes }, surroundings);
const refusal = (changes: Partial<RawRunOptions>) => {
  try {
    parse(changes);
  } catch (error) {
    return (error as Error).message;
  }
  return undefined;
};

describe('options of `holdfast chaos run`', () => {
  it('without any: ten random rounds in strict mode, a new seed, a folder named after both', () => {
    const { run, cluster } = parse();
    expect(run).toMatchObject({ scenarios: ['random'], seed: '4711', rounds: 10 });
    expect(run.work).toMatchObject({ clients: 4, rate: 50, workloads: ['set', 'append', 'bank', 'register'] });
    expect(run.work.output).toBe('/srv/runs/holdfast-chaos/2026-01-02T03-04-05-4711');
    expect(cluster).toEqual({ members: 3, mode: 'strict', fence: 'on', agents: true });
  });

  it('named scenarios are played once', () => {
    expect(parse({}, ['kill-haproxy', 'isolate-primary']).run).toMatchObject({
      scenarios: ['kill-haproxy', 'isolate-primary'],
      rounds: 1,
    });
  });

  it('--replay and --seed are the seed', () => {
    expect(parse({ replay: '7' }).run.seed).toBe('7');
    expect(parse({ seed: 'morning' }).run.seed).toBe('morning');
  });

  it('the command in the report plays the same again', () => {
    const given = { mode: 'off', agents: false, fence: 'off', members: '5', rounds: '3', rate: '9', duration: '5m' };
    const { run, cluster } = parse(given, ['lag-then-lose']);
    const words = run.work.replayCommand.split(' ');
    expect(words.slice(0, 4)).toEqual(['holdfast', 'chaos', 'run', 'lag-then-lose']);
    const after = (option: string) => words[words.indexOf(option) + 1] ?? '';
    const again = parse(
      {
        ...{ replay: after('--replay'), mode: after('--mode'), fence: after('--fence'), members: after('--members') },
        ...{ rounds: after('--rounds'), rate: after('--rate'), duration: after('--duration') },
        agents: !words.includes('--no-agents'),
      },
      ['lag-then-lose'],
    );
    expect([again.cluster, again.run.seed, again.run.rounds, again.run.work.rate]).toEqual([
      cluster,
      run.seed,
      run.rounds,
      run.work.rate,
    ]);
    expect(again.run.work.durationMilliseconds).toBe(300_000);
  });

  it('a duration is in seconds, minutes or hours, and at most two hours', () => {
    const milliseconds = (duration: string) => parse({ duration }).run.work.durationMilliseconds;
    expect(['90', '90s', '10m', '2h'].map(milliseconds)).toEqual([90_000, 90_000, 600_000, 7_200_000]);
    for (const duration of ['0', '3h', '121m', 'soon', '-1s']) expect(refusal({ duration })).toMatch('--duration');
  });

  it('no more than 64 clients, of all workloads together', () => {
    expect(parse({ clients: '16' }).run.work.clients).toBe(16);
    expect(refusal({ clients: '17' })).toMatch('1 to 16');
    expect(parse({ clients: '64', workload: 'set' }).run.work.clients).toBe(64);
  });

  it.each([
    [{ workload: 'set,sets' }, '--workload'],
    [{ workload: '' }, '--workload'],
    [{ mode: 'sync' }, '--mode'],
    [{ fence: 'maybe' }, '--fence'],
    [{ members: '1' }, '--members'],
    [{ members: '16' }, '--members'],
    [{ rounds: '501' }, '--rounds'],
    [{ rounds: '1.5' }, '--rounds'],
    [{ rate: '0' }, '--rate'],
    [{ seed: '../x' }, '--seed'],
  ])('refuses %j and names the option', (changes, option) => {
    expect(refusal(changes)).toMatch(option);
  });
});
