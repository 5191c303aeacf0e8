import { readFileSync } from 'node:fs';
import { type AgentConfiguration, agentVariables } from '@holdfast/components';
import { runAgent } from './agent.js';
import { errorText, logEvent } from './log.js';

/** The agent as a program: `node agent.mjs agent.json`, passwords in its environment (see agentVariables). */
const [file] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('Usage: agent.mjs CONFIGURATION\n');
  process.exit(2);
}

function takeVariable(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`the environment lacks ${name}`);
  delete process.env[name];
  return value;
}

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort(new Error(signal)));

try {
  const configuration = JSON.parse(readFileSync(file, 'utf8')) as AgentConfiguration;
  const secrets = {
    postgres: takeVariable(agentVariables.postgres),
    patroni: takeVariable(agentVariables.patroni),
    haproxy: takeVariable(agentVariables.haproxy),
    agent: takeVariable(agentVariables.agent),
  };
  await runAgent(configuration, secrets, stop.signal);
  logEvent('stopped');
  process.exit(0);
} catch (error) {
  logEvent('failed', { error: errorText(error) });
  process.exit(1);
}
