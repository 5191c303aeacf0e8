import type { PlannedField, PlannedLogic } from '../plan/read-plan.js';
import { patternText } from '../request/pattern-text.js';
import type { Operation } from '../request/query.js';
import { arrayText, name, type Parameters, qualified, text } from './sql-text.js';

const simpleOperators = {
  neq: '<>',
  cs: '@>',
  cd: '<@',
  ov: '&&',
  sl: '<<',
  sr: '>>',
  nxr: '&<',
  nxl: '&>',
  adj: '-|-',
} as const;

const quantifiedOperators = {
  eq: '=',
  gte: '>=',
  gt: '>',
  lte: '<=',
  lt: '<',
  like: 'like',
  ilike: 'ilike',
  match: '~',
  imatch: '~*',
} as const;

const searchFunctions = {
  fts: 'to_tsquery',
  plfts: 'plainto_tsquery',
  phfts: 'phraseto_tsquery',
  wfts: 'websearch_to_tsquery',
} as const;

const isWords = {
  null: 'NULL',
  'not null': 'NOT NULL',
  true: 'TRUE',
  false: 'FALSE',
  unknown: 'UNKNOWN',
} as const;

/** A field of the rows that go by `alias`, without its transformation. */
export function fieldSql(alias: string, { name: own, path, convert }: PlannedField): string {
  if (own === '*' && path.length === 0) return `${name(alias)}.*`;
  const column = `${name(alias)}.${name(own)}`;
  if (path.length === 0) return column;
  const steps = path.map(({ arrow, key }) => `${arrow}${typeof key === 'string' ? text(key) : `(${indexOf(key)})`}`);
  return `${convert ? `to_jsonb(${column})` : column}${steps.join('')}`;
}

/** As PostgreSQL's integer: beyond there is no element. */
function indexOf(key: number): number {
  return Math.min(2_147_483_647, Math.max(-2_147_483_647, key));
}

export type EmbeddedSql = (logic: Extract<PlannedLogic, { kind: 'embedded' }>) => string;

export function logicSql(alias: string, logic: PlannedLogic, parameters: Parameters, embedded: EmbeddedSql): string {
  switch (logic.kind) {
    case 'group': {
      const members = logic.members.map((member) => logicSql(alias, member, parameters, embedded));
      return `${logic.not ? 'NOT ' : ''}(${members.join(logic.operator === 'and' ? ' AND ' : ' OR ')})`;
    }
    case 'embedded':
      return embedded(logic);
    case 'filter': {
      const condition = filterSql(alias, logic.field, logic.operation, parameters);
      return logic.not ? `NOT (${condition})` : condition;
    }
  }
}

function filterSql(alias: string, field: PlannedField, operation: Operation, parameters: Parameters): string {
  const left = fieldSql(alias, field);
  const changed = (value: string) =>
    field.transform === undefined ? value : `${qualified(field.transform)}(${value})`;
  switch (operation.kind) {
    case 'simple':
      return `${left} ${simpleOperators[operation.operator]} ${changed(parameters.add(operation.value))}`;
    case 'quantified': {
      const { operator, quantifier, value } = operation;
      const isPattern = operator === 'like' || operator === 'ilike';
      const right = isPattern
        ? parameters.add(typeof value === 'string' ? patternText(value) : value)
        : changed(parameters.add(value));
      const whole = quantifier === undefined ? right : `${quantifier === 'any' ? 'ANY' : 'ALL'}(${right})`;
      return `${left} ${quantifiedOperators[operator]} ${whole}`;
    }
    case 'in': {
      const none = operation.values.length === 1 && operation.values[0] === '';
      const list = parameters.add(none ? '{}' : arrayText(operation.values));
      if (field.transform === undefined || none) return `${left} = ANY(${list})`;
      return `${left} = ANY(SELECT ${qualified(field.transform)}(unnest(${list}::text[])))`;
    }
    case 'is':
      return `${left} IS ${isWords[operation.what]}`;
    case 'distinct':
      return `${left} IS DISTINCT FROM ${parameters.add(operation.value)}`;
    case 'search': {
      const language = operation.language === undefined ? '' : `${text(operation.language)}, `;
      const document = field.toTextSearch ? `to_tsvector(${language}${left})` : left;
      return `${document} @@ ${searchFunctions[operation.operator]}(${language}${parameters.add(operation.value)})`;
    }
  }
}
