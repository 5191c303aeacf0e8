import type { Command } from 'commander';
import { addChaosCheck } from './check.js';
import { addChaosList } from './list.js';
import { addChaosRemove } from './remove.js';
import { addChaosRun } from './run.js';

export function addChaos(program: Command): void {
  const chaos = program
    .command('chaos')
    .description('break a cluster on purpose while clients write, and prove that nothing acknowledged is lost');
  for (const add of [addChaosRun, addChaosList, addChaosCheck, addChaosRemove]) add(chaos);
  for (const command of chaos.commands) command.exitOverride();
}
