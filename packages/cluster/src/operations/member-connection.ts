import { connectHost, superuserRole } from '@holdfast/components';
import { type Connection, connect } from '@holdfast/postgres';
import type { ClusterContext } from '../context.js';
import { notUp, unknownMember } from '../errors.js';

/** A connection of the superuser straight to one member's PostgreSQL. Errors: HF_POSTGRES_UNREACHABLE, HF_NOT_UP. */
export async function connectToMember(
  { spec, secrets }: ClusterContext,
  name: string,
  options: { readonly statementMilliseconds: number },
): Promise<Connection> {
  if (secrets === undefined) throw notUp(spec.name);
  const member = spec.members.find((each) => each.name === name);
  if (member === undefined)
    throw unknownMember(
      name,
      spec.members.map((each) => each.name),
      undefined,
    );
  return await connect(
    {
      host: connectHost(member.host),
      port: member.port,
      user: superuserRole,
      password: secrets.postgres,
      database: 'postgres',
    },
    { timeoutMilliseconds: 2000, statementTimeoutMilliseconds: options.statementMilliseconds },
  );
}

/** When the member's PostgreSQL was started, as text that differs after every start; undefined: it does not answer. */
export async function startTimeOf(context: ClusterContext, name: string): Promise<string | undefined> {
  try {
    await using connection = await connectToMember(context, name, { statementMilliseconds: 2000 });
    const [row] = await connection.query<{ at: string }>(
      'SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint::text AS at',
    );
    return row?.at;
  } catch {
    return undefined;
  }
}
