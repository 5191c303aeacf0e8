import type { Relationship, Routine } from '../schema-cache/types.js';
import { RestError } from './rest-error.js';

/** PGRST002: the schema cache has not been loaded yet. */
export function noSchemaCache(cause?: unknown): RestError {
  return new RestError({
    status: 503,
    code: 'PGRST002',
    message: 'Could not query the database for the schema cache. Retrying.',
    headers: [['Retry-After', '1']],
    cause,
  });
}

export interface MissingRelationship {
  readonly schema: string;
  readonly source: string;
  readonly target: string;
  readonly embedHint: string | undefined;
  readonly hint: string | null;
}

/** PGRST200 */
export function noRelationship({ schema, source, target, embedHint, hint }: MissingRelationship): RestError {
  const usingHint = embedHint === undefined ? '' : ` using the hint '${embedHint}'`;
  return new RestError({
    status: 400,
    code: 'PGRST200',
    message: `Could not find a relationship between '${source}' and '${target}' in the schema cache`,
    details: `Searched for a foreign key relationship between '${source}' and '${target}'${usingHint} in the schema '${schema}', but no matches were found.`,
    hint,
  });
}

/** PGRST201: lists the candidates in their order. */
export function ambiguousRelationship(source: string, target: string, found: readonly Relationship[]): RestError {
  const choices = found.map((relationship) => `'${relationship.target.name}!${disambiguator(relationship)}'`);
  return new RestError({
    status: 300,
    code: 'PGRST201',
    message: `Could not embed because more than one relationship was found for '${source}' and '${target}'`,
    details: found.map(describeRelationship),
    hint: `Try changing '${target}' to one of the following: ${choices.join(', ')}. Find the desired relationship in the 'details' key.`,
  });
}

function disambiguator(relationship: Relationship): string {
  if (relationship.kind === 'key') return relationship.constraint;
  return relationship.kind === 'junction' ? relationship.junction.table.name : relationship.function.name;
}

function describeRelationship(relationship: Relationship): Readonly<Record<string, string>> {
  const { source, target, cardinality } = relationship;
  const embedding = `${source.name} with ${target.name}`;
  if (relationship.kind === 'computed') {
    return { cardinality, embedding, relationship: `function ${relationship.function.name}` };
  }
  if (relationship.kind === 'junction') {
    const { table, sourceConstraint, targetConstraint, sourceColumns, targetColumns } = relationship.junction;
    const first = sourceColumns.map(({ junction }) => junction).join(', ');
    const second = targetColumns.map(({ junction }) => junction).join(', ');
    return {
      cardinality,
      embedding,
      relationship: `${table.name} using ${sourceConstraint}(${first}) and ${targetConstraint}(${second})`,
    };
  }
  const sources = relationship.columns.map((pair) => pair.source).join(', ');
  const targets = relationship.columns.map((pair) => pair.target).join(', ');
  return {
    cardinality,
    embedding,
    relationship: `${relationship.constraint} using ${source.name}(${sources}) and ${target.name}(${targets})`,
  };
}

export interface MissingRoutine {
  readonly schema: string;
  readonly name: string;
  readonly argumentNames: readonly string[];
  /** The whole body as one argument was possible too. */
  readonly body: 'json' | 'text' | 'xml' | 'bytea' | null;
  readonly hint: string | null;
}

/** PGRST202 */
export function noRoutine({ schema, name, argumentNames, body, hint }: MissingRoutine): RestError {
  const called = `${schema}.${name}`;
  const onlyBody = body !== null && body !== 'json';
  const list = argumentNames.join(', ');
  const none = argumentNames.length === 0;
  const shown = onlyBody ? '' : none ? ' without parameters' : `(${list})`;
  const named = none ? ' without parameters' : ` with parameter${argumentNames.length > 1 ? 's' : ''} ${list}`;
  const searched = onlyBody
    ? ` with a single unnamed ${body} parameter`
    : `${named}${body === 'json' ? ' or with a single unnamed json/jsonb parameter' : ''}`;
  return new RestError({
    status: 404,
    code: 'PGRST202',
    message: `Could not find the function ${called}${shown} in the schema cache`,
    details: `Searched for the function ${called}${searched}, but no matches were found in the schema cache.`,
    hint: onlyBody ? null : hint,
  });
}

/** PGRST203 */
export function ambiguousRoutine(found: readonly Routine[]): RestError {
  const shown = found.map(({ schema, name, parameters }) => {
    const list = parameters.map((parameter) => `${parameter.name} => ${parameter.type}`);
    return `${schema}.${name}(${list.join(', ')})`;
  });
  return new RestError({
    status: 300,
    code: 'PGRST203',
    message: `Could not choose the best candidate function between: ${shown.join(', ')}`,
    hint: 'Try renaming the parameters or the function itself in the database so function overloading can be resolved',
  });
}

/** PGRST204 */
export function columnNotFound(column: string, table: string): RestError {
  return new RestError({
    status: 400,
    code: 'PGRST204',
    message: `Could not find the '${column}' column of '${table}' in the schema cache`,
  });
}

/** PGRST205 */
export function tableNotFound(schema: string, name: string, hint: string | null): RestError {
  return new RestError({
    status: 404,
    code: 'PGRST205',
    message: `Could not find the table '${schema}.${name}' in the schema cache`,
    hint,
  });
}
