import {
  ahead,
  attempt,
  between,
  chain,
  characters,
  choice,
  endOfInput,
  label,
  literal,
  many,
  map,
  notFollowedBy,
  optional,
  type Parser,
  separated,
  sequence,
  someCharacters,
} from './parsec.js';
import type { Field, JsonStep } from './query.js';

const blanks = someCharacters(/[ \t]*/y, []);

/** Blanks around do not matter. */
export function lexeme<T>(parser: Parser<T>): Parser<T> {
  return between(blanks, parser, blanks);
}

/** Letters, digits, `_`, `$` and blanks; also what a cast may be made of, which is why it needs no quoting. */
export const identifier: Parser<string> = map(characters(/[\p{L}0-9_ $]+/uy, ['letter', 'digit']), (text) =>
  text.replace(/^\s+|\s+$/g, ''),
);

export const delimiter: Parser<string> = label(literal('.'), 'delimiter (.)');

/** `"…"`, in which a backslash takes the next character as it is. */
export const quoted: Parser<string> = map(
  between(literal('"'), someCharacters(/(?:[^\\"]|\\[\s\S])*/y, []), literal('"')),
  (text) => text.replace(/\\([\s\S])/g, '$1'),
);

function dashed(part: Parser<string>): Parser<string> {
  const dash = attempt(sequence(literal('-'), notFollowedBy(/>/)));
  return map(separated(part, dash), (parts) => parts.join('-'));
}

export const fieldName: Parser<string> = label(choice(quoted, dashed(identifier)), 'field name (* or [a..z0..9_$])');

const jsonKey: Parser<string> = label(
  choice(quoted, dashed(map(characters(/[^(\-:.,>)]+/y, []), (text) => text.replace(/^\s+|\s+$/g, '')))),
  'any non reserved character different from: .,>()',
);

const jsonIndex: Parser<number> = map(
  sequence(
    optional(literal('-')),
    characters(/[0-9]+/y, ['digit']),
    choice<unknown>(
      attempt(ahead(literal('->'))),
      attempt(ahead(literal('::'))),
      attempt(ahead(literal('.'))),
      attempt(ahead(literal(','))),
      attempt(endOfInput),
    ),
  ),
  ([minus, digits]) => Number(digits) * (minus === undefined ? 1 : -1),
);

const jsonStep: Parser<JsonStep> = chain(
  choice<JsonStep['arrow']>(attempt(literal('->>')) as Parser<'->>'>, attempt(literal('->')) as Parser<'->'>),
  (arrow) => map(choice<string | number>(attempt(jsonIndex), attempt(jsonKey)), (key) => ({ arrow, key })),
);

export const jsonPath: Parser<readonly JsonStep[]> = many(jsonStep);

export const field: Parser<Field> = lexeme(map(sequence(fieldName, jsonPath), ([name, path]) => ({ name, path })));

/** `alias:` but not the `::` of a cast. */
export const aliasOf: Parser<string> = attempt(
  map(sequence(fieldName, literal(':'), notFollowedBy(/:/)), ([name]) => name),
);
