import { delimiter, field, fieldName, identifier, jsonPath, lexeme, quoted } from './names.js';
import {
  attempt,
  between,
  chain,
  choice,
  label,
  lazy,
  literal,
  map,
  notFollowedBy,
  optional,
  type Parser,
  separated,
  sequence,
  someCharacters,
  succeed,
} from './parsec.js';
import type { Field, Filter, Logic, Operation, QuantifiedOperator, SearchOperator, SimpleOperator } from './query.js';

/** Names that must be tried longest first where one begins another. */
const simpleNames: readonly SimpleOperator[] = ['neq', 'cs', 'cd', 'ov', 'sl', 'sr', 'nxr', 'nxl', 'adj'];
const quantifiedNames: readonly QuantifiedOperator[] = [
  ...(['eq', 'gte', 'gt', 'lte', 'lt', 'like', 'ilike', 'match', 'imatch'] as const),
];
const searchNames: readonly SearchOperator[] = ['fts', 'plfts', 'phfts', 'wfts'];

function oneOf<T extends string>(names: readonly T[]): Parser<T> {
  return choice(...names.map((name) => attempt(literal(name)) as Parser<string> as Parser<T>));
}

/** All that is left. */
const everything: Parser<string> = someCharacters(/[\s\S]*/y, []);
const listElement = choice(
  attempt(map(sequence(quoted, notFollowedBy(/[^,)]/)), ([text]) => text)),
  someCharacters(/[^,)]*/y, []),
);
const list: Parser<readonly string[]> = between(
  lexeme(literal('(')),
  separated(listElement, literal(',')),
  lexeme(literal(')')),
);

/** Inside and/or a value ends at a comma or parenthesis, unless it is quoted or an array in braces. */
const memberValue: Parser<string> = choice(
  attempt(map(sequence(quoted, notFollowedBy(/[^,)]/)), ([text]) => text)),
  attempt(map(sequence(literal('{'), someCharacters(/[^{}]*/y, []), literal('}')), (parts) => parts.join(''))),
  someCharacters(/[^,)]*/y, []),
);

type IsWord = Extract<Operation, { kind: 'is' }>['what'];
const isWords: readonly (readonly [RegExp, IsWord])[] = [
  [/null/iy, 'null'],
  [/not_null/iy, 'not null'],
  [/true/iy, 'true'],
  [/false/iy, 'false'],
  [/unknown/iy, 'unknown'],
];
const isWord: Parser<IsWord> = (text, at) => {
  for (const [pattern, what] of isWords) {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found === undefined) continue;
    const end = at + found.length;
    return { ok: true, value: what, at: end, consumed: true, error: { at: end, messages: [] } };
  }
  const character = text.codePointAt(at);
  const next = character === undefined ? '' : `"${String.fromCodePoint(character)}"`;
  const wanted = 'isVal: (null, not_null, true, false, unknown)';
  const messages = [{ kind: 'came', text: next } as const, { kind: 'expected', text: wanted } as const];
  return { ok: false, consumed: false, error: { at, messages } };
};

function operation(value: Parser<string>): Parser<Operation> {
  const prefixed = (name: string) => attempt(sequence(literal(name), delimiter));
  const quantifier = choice<'any' | 'all'>(attempt(literal('any')) as Parser<'any'>, literal('all') as Parser<'all'>);
  return label(
    choice<Operation>(
      chain(prefixed('in'), () => map(list, (values) => ({ kind: 'in' as const, values }))),
      chain(prefixed('is'), () => map(isWord, (what) => ({ kind: 'is' as const, what }))),
      chain(prefixed('isdistinct'), () => map(value, (text) => ({ kind: 'distinct' as const, value: text }))),
      attempt(
        map(
          sequence(
            oneOf(searchNames),
            optional(attempt(between(literal('('), identifier, literal(')')))),
            delimiter,
            value,
          ),
          ([operator, language, , text]) => ({ kind: 'search' as const, operator, language, value: text }),
        ),
      ),
      attempt(
        map(
          sequence(label(oneOf(simpleNames), 'unknown single value operator'), delimiter, value),
          ([name, , text]) => ({
            kind: 'simple' as const,
            operator: name,
            value: text,
          }),
        ),
      ),
      attempt(
        map(
          sequence(
            label(oneOf(quantifiedNames), 'unknown single value operator'),
            optional(attempt(between(literal('('), quantifier, literal(')')))),
            delimiter,
            value,
          ),
          ([operator, quantified, , text]) => ({
            kind: 'quantified' as const,
            operator,
            quantifier: quantified,
            value: text,
          }),
        ),
      ),
    ),
    'operator (eq, gt, ...)',
  );
}

const negation = attempt(map(sequence(literal('not'), delimiter), () => true));

function expression(value: Parser<string>): Parser<Omit<Filter, 'field'>> {
  return map(sequence(choice(negation, succeed(false)), operation(value)), ([not, found]) => ({
    not,
    operation: found,
  }));
}

/** What follows the `=`: `not.eq.1`. */
export const filterExpression: Parser<Omit<Filter, 'field'>> = expression(everything);

/** What precedes it: `rel.col->key`; the last name is the field's. */
export const treePath: Parser<{ readonly path: readonly string[]; readonly field: Field }> = map(
  sequence(separated(fieldName, delimiter), jsonPath),
  ([names, steps]) => ({ path: names.slice(0, -1), field: { name: names.at(-1) ?? '', path: steps } }),
);

/** `rel.not.and` as the resource's path and the operator. */
export const logicPath: Parser<{ readonly path: readonly string[]; readonly operator: string }> = map(
  separated(fieldName, delimiter),
  (names) => {
    const last = names.at(-1) ?? '';
    const path = names.slice(0, -1).filter((name) => name !== 'not');
    return { path, operator: names.includes('not') ? `not.${last}` : last };
  },
);

const logicFilter: Parser<Logic> = attempt(
  map(sequence(field, delimiter, expression(memberValue)), ([wanted, , rest]) => ({
    kind: 'filter' as const,
    filter: { field: wanted, ...rest },
  })),
);

/** `and(…)`, `not.or(…)` or a filter. */
export const logicTree: Parser<Logic> = lazy(() =>
  choice<Logic>(
    logicFilter,
    map(
      sequence(
        label(choice(negation, succeed(false)), 'negation operator (not)'),
        label(choice(attempt(literal('and')), literal('or')), 'logic operator (and, or)') as Parser<'and' | 'or'>,
        lexeme(literal('(')),
        separated(logicTree, lexeme(literal(','))),
        lexeme(literal(')')),
      ),
      ([not, operator, , members]) => ({ kind: 'group' as const, not, operator, members }),
    ),
  ),
);
