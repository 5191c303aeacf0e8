import { type ClusterContext, endpoints } from '@holdfast/cluster';
import { connectionUrl } from '@holdfast/spec';
import type { Command } from 'commander';
import { runs } from '../../define-command.js';
import { usageError } from '../../usage-error.js';
import { secretsOf, withCluster } from '../../with-cluster.js';

const kinds = ['rw', 'ro', 'pooler', 'member', 'stats'] as const;

interface Options {
  readonly database: string;
}

export function addUrl(program: Command): void {
  const command = program
    .command('url')
    .description('print one connection URI, with its password')
    .argument('<kind>', `what to connect to: ${kinds.join(', ')}`)
    .argument('[member]', 'with `member`: its name')
    .option('-d, --database <name>', 'database', 'postgres');
  runs<Options>(
    command,
    [
      ['psql "$(holdfast url rw)"', 'the primary, through HAProxy'],
      ['psql "$(holdfast url ro)"', 'a replica, through HAProxy'],
      ['psql "$(holdfast url pooler)"', 'the primary, through PgBouncer (transaction pooling)'],
      ['psql "$(holdfast url member pg2)"', 'one member, straight'],
    ],
    async ([kind = '', member], options, environment) =>
      await withCluster(environment, async (context) => {
        const url = urlOf(context, kind, member, options.database);
        environment.output.result({ url }, url);
      }),
  );
}

function urlOf(context: ClusterContext, kind: string, member: string | undefined, database: string): string {
  const spec = context.spec.inside ?? context.spec;
  const secrets = secretsOf(context);
  const options = { password: secrets.postgres, database };
  switch (kind) {
    case 'rw':
    case 'ro':
    case 'pooler':
      return connectionUrl(spec, kind, options);
    case 'member':
      if (member === undefined)
        throw usageError('Which member?', `holdfast url member ${spec.members[0]?.name ?? 'pg1'}`);
      return connectionUrl(spec, { member }, options);
    case 'stats': {
      const url = new URL(endpoints(spec).haproxyStats);
      url.username = 'holdfast';
      url.password = secrets['haproxy-stats'];
      return url.href;
    }
    default:
      throw usageError(`There is no URL "${kind}".`, `Choose one of ${kinds.join(', ')}.`);
  }
}
