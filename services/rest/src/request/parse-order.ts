import { delimiter, field, fieldName, lexeme } from './names.js';
import {
  ahead,
  attempt,
  between,
  choice,
  endOfInput,
  literal,
  map,
  optional,
  type Parser,
  separated,
  sequence,
} from './parsec.js';
import type { OrderTerm } from './query.js';

const end = choice<unknown>(attempt(ahead(literal(','))), attempt(endOfInput));

function suffix<T>(word: string, value: T): Parser<T> {
  return attempt(map(sequence(delimiter, literal(word)), () => value));
}

const direction = optional(choice<'asc' | 'desc'>(suffix('asc', 'asc'), suffix('desc', 'desc')));
const nulls = optional(choice<'first' | 'last'>(suffix('nullsfirst', 'first'), suffix('nullslast', 'last')));

const plainTerm: Parser<OrderTerm> = map(sequence(field, direction, nulls, end), ([wanted, way, rest]) => ({
  relation: undefined,
  field: wanted,
  direction: way,
  nulls: rest,
}));

const relationTerm: Parser<OrderTerm> = map(
  sequence(fieldName, between(literal('('), field, literal(')')), direction, nulls, end),
  ([relation, wanted, way, rest]) => ({ relation, field: wanted, direction: way, nulls: rest }),
);

export const orderTerms: Parser<readonly OrderTerm[]> = separated(
  lexeme(choice(attempt(relationTerm), plainTerm)),
  literal(','),
);

export const columnNames: Parser<readonly string[]> = separated(fieldName, lexeme(literal(',')));
