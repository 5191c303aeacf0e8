/**
 * A small kit of backtracking parsers. PostgREST's parse errors are Parsec's: what it says was expected depends on which branches were tried, so the
 * kit keeps and merges errors by Parsec's rules (furthest position wins, equal positions add up).
 */
export type Parser<T> = (text: string, at: number) => Reply<T>;

export type Reply<T> = Success<T> | Failed;

export interface Success<T> {
  readonly ok: true;
  readonly value: T;
  readonly at: number;
  readonly consumed: boolean;
  /** What could have followed. */
  readonly error: ParseFailure;
}

export interface Failed {
  readonly ok: false;
  readonly consumed: boolean;
  readonly error: ParseFailure;
}

export interface ParseFailure {
  readonly at: number;
  /** In the order in which they are told: what came, what a parser refused, what was expected, free text. */
  readonly messages: readonly ParseMessage[];
}

export interface ParseMessage {
  readonly kind: 'came' | 'refused' | 'expected' | 'text';
  readonly text: string;
}

export const nothing = (at: number): ParseFailure => ({ at, messages: [] });

export function succeed<T>(value: T): Parser<T> {
  return (_text, at) => ({ ok: true, value, at, consumed: false, error: nothing(at) });
}

export function merge(first: ParseFailure, second: ParseFailure): ParseFailure {
  if (second.messages.length === 0 && first.messages.length > 0) return first;
  if (first.messages.length === 0) return second;
  if (first.at !== second.at) return first.at > second.at ? first : second;
  return { at: first.at, messages: [...first.messages, ...second.messages] };
}

const came = (text: string, at: number): ParseMessage => ({
  kind: 'came',
  text: at < text.length ? `"${charAt(text, at)}"` : '',
});
const expected = (text: string): ParseMessage => ({ kind: 'expected', text });

function charAt(text: string, at: number): string {
  return String.fromCodePoint(text.codePointAt(at) ?? 0);
}

/** Exactly this text; a failure does not count as consumed when it is wrapped in `attempt`. */
export function literal(wanted: string): Parser<string> {
  return (text, at) => {
    if (text.startsWith(wanted, at)) {
      const end = at + wanted.length;
      return { ok: true, value: wanted, at: end, consumed: true, error: nothing(end) };
    }
    let same = 0;
    while (same < wanted.length && text[at + same] === wanted[same]) same++;
    return { ok: false, consumed: same > 0, error: { at, messages: [came(text, at + same), expected(`"${wanted}"`)] } };
  };
}

/** As many characters as the sticky pattern takes, at least one. `names` are what Parsec calls the characters. */
export function characters(pattern: RegExp, names: readonly string[]): Parser<string> {
  return run(pattern, names, false);
}

/** The same, or none. */
export function someCharacters(pattern: RegExp, names: readonly string[]): Parser<string> {
  return run(pattern, names, true);
}

function run(pattern: RegExp, names: readonly string[], optional: boolean): Parser<string> {
  const wanted = names.map(expected);
  return (text, at) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? '';
    const end = at + found.length;
    const error = { at: end, messages: [came(text, end), ...wanted] };
    if (found === '' && !optional) return { ok: false, consumed: false, error };
    return { ok: true, value: found, at: end, consumed: found !== '', error };
  };
}

export const endOfInput: Parser<null> = (text, at) =>
  at >= text.length
    ? { ok: true, value: null, at, consumed: false, error: nothing(at) }
    : {
        ok: false,
        consumed: false,
        error: { at, messages: [{ kind: 'refused', text: `'${charAt(text, at)}'` }, expected('end of input')] },
      };

export function map<T, U>(parser: Parser<T>, change: (value: T) => U): Parser<U> {
  return (text, at) => {
    const reply = parser(text, at);
    return reply.ok ? { ...reply, value: change(reply.value) } : reply;
  };
}

/** One after the other; the second is chosen by what the first found. */
export function chain<T, U>(parser: Parser<T>, next: (value: T) => Parser<U>): Parser<U> {
  return (text, at) => {
    const first = parser(text, at);
    return first.ok ? follow(first, next(first.value)(text, first.at)) : first;
  };
}

function follow<U>(first: Success<unknown>, second: Reply<U>): Reply<U> {
  if (second.consumed) return second;
  const error = merge(first.error, second.error);
  return second.ok ? { ...second, consumed: first.consumed, error } : { ...second, consumed: first.consumed, error };
}

type Values<P extends readonly Parser<unknown>[]> = {
  -readonly [K in keyof P]: P[K] extends Parser<infer T> ? T : never;
};

export function sequence<const P extends readonly Parser<unknown>[]>(...parsers: P): Parser<Values<P>> {
  return (text, at) => {
    const values: unknown[] = [];
    let before: Success<unknown> = { ok: true, value: null, at, consumed: false, error: nothing(at) };
    for (const parser of parsers) {
      const reply: Reply<unknown> = follow(before, parser(text, before.at));
      if (!reply.ok) return reply;
      values.push(reply.value);
      before = reply.consumed || !before.consumed ? reply : { ...reply, consumed: true };
    }
    return { ...before, value: values as Values<P> };
  };
}

/** The first that succeeds or consumes. */
export function choice<T>(...parsers: readonly Parser<T>[]): Parser<T> {
  return (text, at) => {
    let error = nothing(at);
    for (const parser of parsers) {
      const reply = parser(text, at);
      if (reply.consumed) return reply;
      error = merge(error, reply.error);
      if (reply.ok) return { ...reply, error };
    }
    return { ok: false, consumed: false, error };
  };
}

/** A failure inside counts as nothing consumed, so that `choice` goes on. */
export function attempt<T>(parser: Parser<T>): Parser<T> {
  return (text, at) => {
    const reply = parser(text, at);
    return reply.ok || !reply.consumed ? reply : { ...reply, consumed: false };
  };
}

/** Succeeds without consuming when the parser would succeed. */
export function ahead<T>(parser: Parser<T>): Parser<T> {
  return (text, at) => {
    const reply = parser(text, at);
    return reply.ok ? { ok: true, value: reply.value, at, consumed: false, error: nothing(at) } : reply;
  };
}

/** Fails, having looked at it, where the next character is one of the pattern's. */
export function notFollowedBy(pattern: RegExp): Parser<null> {
  return (text, at) => {
    const next = at < text.length ? charAt(text, at) : '';
    if (next === '' || !pattern.test(next)) return { ok: true, value: null, at, consumed: false, error: nothing(at) };
    return {
      ok: false,
      consumed: false,
      error: { at: at + next.length, messages: [{ kind: 'refused', text: `'${next}'` }] },
    };
  };
}

/** What is said to be expected here when nothing was consumed. */
export function label<T>(parser: Parser<T>, name: string): Parser<T> {
  return (text, at) => {
    const reply = parser(text, at);
    if (reply.consumed || (reply.ok && reply.error.messages.length === 0)) return reply;
    const messages = [...reply.error.messages.filter(({ kind }) => kind !== 'expected'), expected(name)];
    return { ...reply, error: { at: reply.error.at, messages } };
  };
}

export function optional<T>(parser: Parser<T>): Parser<T | undefined> {
  return choice<T | undefined>(parser, succeed(undefined));
}

export function many<T>(parser: Parser<T>): Parser<T[]> {
  return (text, at) => {
    const values: T[] = [];
    let here = at;
    let error = nothing(at);
    for (;;) {
      const reply = parser(text, here);
      if (!reply.ok) {
        if (reply.consumed) return reply;
        return { ok: true, value: values, at: here, consumed: here > at, error: merge(error, reply.error) };
      }
      values.push(reply.value);
      error = reply.error;
      // A parser that takes nothing would be repeated for ever.
      if (reply.at === here) return { ok: true, value: values, at: here, consumed: here > at, error };
      here = reply.at;
    }
  };
}

export function separated<T>(parser: Parser<T>, separator: Parser<unknown>): Parser<T[]> {
  const rest = many(map(sequence(separator, parser), ([, value]) => value));
  return map(sequence(parser, rest), ([first, others]) => [first, ...others]);
}

export function between<T>(open: Parser<unknown>, parser: Parser<T>, close: Parser<unknown>): Parser<T> {
  return map(sequence(open, parser, close), ([, value]) => value);
}

/** Parsers that refer to each other. */
export function lazy<T>(make: () => Parser<T>): Parser<T> {
  let made: Parser<T> | undefined;
  return (text, at) => {
    made ??= make();
    return made(text, at);
  };
}

/** `(line 1, column 9)`, in characters and not in UTF-16 units. */
export function describePosition(text: string, at: number): string {
  let line = 1;
  let column = 1;
  for (const character of text.slice(0, at)) {
    if (character === '\n') {
      line++;
      column = 1;
    } else if (character === '\t') column += 8 - ((column - 1) % 8);
    else column++;
  }
  return `(line ${line}, column ${column})`;
}

/** `unexpected "x" expecting "a", "b" or "c"`. */
export function describeFailure({ messages }: ParseFailure): string {
  const texts = (wanted: ParseMessage['kind']) =>
    messages.filter(({ kind }) => kind === wanted).map(({ text }) => text);
  const refused = unique(texts('refused'));
  const parts: string[] = [];
  const [what] = texts('came');
  if (refused.length === 0 && what !== undefined) parts.push(`unexpected ${what === '' ? 'end of input' : what}`);
  if (refused.length > 0) parts.push(`unexpected ${enumerate(refused)}`);
  const wanted = unique(texts('expected'));
  if (wanted.length > 0) parts.push(`expecting ${enumerate(wanted)}`);
  const others = unique(texts('text'));
  if (others.length > 0) parts.push(enumerate(others));
  return parts.length === 0 ? 'unknown parse error' : parts.join(' ');
}

const unique = (texts: readonly string[]) => [...new Set(texts)].filter((text) => text !== '');

function enumerate(texts: readonly string[]): string {
  if (texts.length < 2) return texts[0] ?? '';
  return `${texts.slice(0, -1).join(', ')} or ${texts.at(-1) ?? ''}`;
}
