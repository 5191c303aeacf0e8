import { aliasOf, field, fieldName, identifier, lexeme } from './names.js';
import {
  ahead,
  attempt,
  between,
  chain,
  choice,
  endOfInput,
  type Failed,
  lazy,
  literal,
  map,
  optional,
  type Parser,
  separated,
  sequence,
  succeed,
} from './parsec.js';
import type { Aggregate, SelectField, SelectItem, SelectRelation } from './query.js';

const end = choice<unknown>(attempt(ahead(literal(')'))), attempt(ahead(literal(','))), attempt(endOfInput));
const cast = optional(map(sequence(literal('::'), identifier), ([, type]) => type));

const star: Parser<SelectField> = attempt(
  map(sequence(literal('*'), end), () => plain({ field: { name: '*', path: [] } })),
);

/** `count()` alone counts rows. */
const countRows: Parser<SelectField> = attempt(
  map(sequence(optional(aliasOf), literal('count()'), cast, end), ([alias, , aggregateCast]) =>
    plain({ field: { name: '*', path: [] }, alias, aggregate: 'count', aggregateCast }),
  ),
);

const aggregateName = choice(
  literal('sum'),
  literal('avg'),
  literal('count'),
  attempt(literal('max')),
  attempt(literal('min')),
) as Parser<Aggregate>;
const aggregate = optional(attempt(map(sequence(literal('.'), aggregateName, literal('()')), ([, name]) => name)));

const column: Parser<SelectField> = map(
  sequence(optional(aliasOf), field, cast, aggregate, cast, end),
  ([alias, wanted, ownCast, aggregated, aggregateCast]) =>
    plain({ field: wanted, alias, cast: ownCast, aggregate: aggregated, aggregateCast }),
);

function plain(item: Pick<SelectField, 'field'> & Partial<SelectField>): SelectField {
  return {
    kind: 'field',
    field: item.field,
    alias: item.alias,
    cast: item.cast,
    aggregate: item.aggregate,
    aggregateCast: item.aggregateCast,
  };
}

type Head = Omit<SelectRelation, 'kind' | 'items'>;
interface Detail {
  readonly hint?: string;
  readonly join?: 'inner' | 'left';
}

const detail: Parser<Detail> = map(
  sequence(
    literal('!'),
    choice<Detail>(
      map(attempt(literal('left')), () => ({ join: 'left' })),
      map(attempt(literal('inner')), () => ({ join: 'inner' })),
      map(attempt(fieldName), (hint) => ({ hint })),
    ),
  ),
  ([, found]) => found,
);

/** In either order, and only where a parenthesis follows. */
const details = map(
  sequence(optional(detail), optional(detail), attempt(ahead(literal('(')))),
  ([first, second]): Pick<Head, 'hint' | 'join'> => ({
    hint: first?.hint ?? second?.hint,
    join: first?.join ?? second?.join,
  }),
);

const refuse: Parser<never> = (_text, at): Failed => ({ ok: false, consumed: false, error: { at, messages: [] } });

const spreadHead: Parser<Head> = attempt(
  lexeme(
    map(sequence(literal('...'), fieldName, details), ([, name, found]) => ({
      ...found,
      name,
      alias: undefined,
      spread: true,
    })),
  ),
);

const relationHead: Parser<Head> = attempt(
  lexeme(
    chain(sequence(optional(aliasOf), fieldName), ([alias, name]) =>
      // `count(` is the aggregate.
      chain(name === 'count' ? refuse : succeed(name), () =>
        map(details, (found) => ({ ...found, name, alias, spread: false })),
      ),
    ),
  ),
);

const items: Parser<readonly SelectItem[]> = lazy(() => {
  const relation: Parser<SelectItem> = chain(choice(spreadHead, relationHead), (head) =>
    map(between(literal('('), items, literal(')')), (inner) => ({ kind: 'relation' as const, ...head, items: inner })),
  );
  const item = choice<SelectItem>(relation, lexeme(choice(star, countRows, column)));
  return choice<readonly SelectItem[]>(separated(item, lexeme(literal(','))), succeed([]));
});

/** The select parameter. What follows the last item is not looked at, as PostgREST does not either. */
export const selectItems: Parser<readonly SelectItem[]> = items;
