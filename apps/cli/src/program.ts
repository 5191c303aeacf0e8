import { Command } from 'commander';
import { addChaos } from './commands/chaos/command.js';
import { addCompletion } from './commands/completion/command.js';
import { addConfig } from './commands/config/command.js';
import { addDb } from './commands/db/command.js';
import { addDoctor } from './commands/doctor/command.js';
import { addDown } from './commands/down/command.js';
import { addEnv } from './commands/env/command.js';
import { addFailover } from './commands/failover/command.js';
import { addInit } from './commands/init/command.js';
import { addInstallService } from './commands/install-service/command.js';
import { addKeys } from './commands/keys/command.js';
import { addLogs } from './commands/logs/command.js';
import { addPause, addResume } from './commands/pause/command.js';
import { addPs } from './commands/ps/command.js';
import { addPsql } from './commands/psql/command.js';
import { addReinit } from './commands/reinit/command.js';
import { addRender } from './commands/render/command.js';
import { addRestart } from './commands/restart/command.js';
import { addServe } from './commands/serve/command.js';
import { addStatus } from './commands/status/command.js';
import { addSupabase } from './commands/supabase/command.js';
import { addSupervise } from './commands/supervise/command.js';
import { addSwitchover } from './commands/switchover/command.js';
import { addUp } from './commands/up/command.js';
import { addUrl } from './commands/url/command.js';
import { version } from './version.js';

/** The whole command line; nothing is read or done until it is parsed. */
export function createProgram(): Command {
  const program = new Command('holdfast')
    .description(
      'Supabase on a PostgreSQL that stays up: etcd, Patroni, PostgreSQL, HAProxy and PgBouncer from one file and one command.',
    )
    .version(version)
    .showSuggestionAfterError()
    .configureHelp({ sortSubcommands: false })
    .exitOverride()
    .addHelpText(
      'after',
      '\nStart here:\n  holdfast up                  start the cluster, or bring it to what holdfast.yaml says now\n  holdfast status              what runs where, and is it healthy\n  psql "$(holdfast url rw)"    connect\n\nExit codes: 0 done, 1 failed, 2 wrong usage or spec, 3 the machine lacks something, 4 not possible in this state, 5 locked, 6 timed out, 130 interrupted\n',
    );
  for (const add of [
    addInit,
    addUp,
    addDown,
    addStatus,
    addPs,
    addLogs,
    addPsql,
    addUrl,
    addEnv,
    addKeys,
    addDoctor,
    addSwitchover,
    addFailover,
    addRestart,
    addReinit,
    addPause,
    addResume,
    addConfig,
    addRender,
    addSupabase,
    addDb,
    addChaos,
    addInstallService,
    addCompletion,
    addServe,
    addSupervise,
  ]) {
    add(program);
  }
  for (const command of program.commands) command.exitOverride();
  return program;
}
