import { parseArgs } from 'node:util';
import { isPeer, type Peer, peers, type Row, rows } from './rows.js';

export interface FailoverArguments {
  readonly rows: readonly { readonly row: Row; readonly rounds: number }[];
  readonly floors: boolean;
  readonly json: boolean;
  readonly quick: boolean;
  readonly agents: boolean;
  readonly help: boolean;
  /** Internal: a lab's description, for the part of the benchmark that runs in its network. */
  readonly insideLab: string | undefined;
}

export const usage = `Usage: npm run bench:failover -- [OPTION…]

Prints Markdown tables with a description of the machine. Needs a quiet machine, root (for the rows that cut a network), and about two hours.
  --rounds N       rounds of each row of Holdfast's (30)
  --peers NAMES    ${peers.join(',')}, or none (all)
  --peer-rounds N  rounds of each row of theirs (30); their rows run all at once, at the end
  --only ROWS      these only, comma-separated, of: floors, ${rows.map(({ name }) => name).join(', ')}
  --no-agents      Holdfast's clusters without agents: what Patroni does alone
  --json           the numbers, as one JSON document
  --quick          one round of each, to see that everything works
`;

/** Throws an Error that says what is wrong. Pure. */
export function readArguments(argv: readonly string[]): FailoverArguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      rounds: { type: 'string' },
      'peer-rounds': { type: 'string' },
      peers: { type: 'string' },
      only: { type: 'string' },
      'no-agents': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      'inside-lab': { type: 'string' },
    },
  });
  const ours = values.quick ? 1 : readCount('--rounds', values.rounds, 30);
  const theirs = values.quick ? 1 : readCount('--peer-rounds', values['peer-rounds'], 30);
  const chosenPeers = readPeers(values.peers);
  const only = values.only?.split(',').filter((name) => name !== '');
  const unknown = only?.filter((name) => name !== 'floors' && !rows.some((row) => row.name === name)) ?? [];
  if (unknown.length > 0) throw new Error(`there is no row ${unknown.join(', ')}`);
  return {
    rows: rows
      .filter(
        ({ name, setting }) => (only?.includes(name) ?? true) && (!isPeer(setting) || chosenPeers.includes(setting)),
      )
      .map((row) => ({ row, rounds: isPeer(row.setting) ? theirs : ours })),
    floors: only?.includes('floors') ?? true,
    json: values.json,
    quick: values.quick,
    agents: !values['no-agents'],
    help: values.help,
    insideLab: values['inside-lab'],
  };
}

function readCount(option: string, text: string | undefined, usual: number): number {
  if (text === undefined) return usual;
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new Error(`${option} must be a whole number from 1, not ${text}`);
  return Number(text);
}

function readPeers(text: string | undefined): readonly Peer[] {
  if (text === undefined) return peers;
  if (text === 'none') return [];
  const names = text.split(',').filter((name) => name !== '');
  const unknown = names.filter((name) => !peers.some((peer) => peer === name));
  if (unknown.length > 0 || names.length === 0) throw new Error(`there is no peer ${unknown.join(', ')}`);
  return peers.filter((peer) => names.includes(peer));
}
