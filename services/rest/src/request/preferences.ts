import { BoundedCache } from './bounded-cache.js';

/** The Prefer header (RFC 7240). Of a preference given twice the first holds; undefined: not given. */
export interface Preferences {
  readonly resolution: 'merge-duplicates' | 'ignore-duplicates' | undefined;
  readonly representation: 'representation' | 'minimal' | 'headers-only' | undefined;
  readonly count: 'exact' | 'planned' | 'estimated' | undefined;
  /** Only where the server lets the client choose. */
  readonly transaction: 'commit' | 'rollback' | undefined;
  readonly missing: 'default' | 'null' | undefined;
  readonly handling: 'strict' | 'lenient' | undefined;
  readonly timeZone: string | undefined;
  readonly maxAffected: number | undefined;
  /** As they came. */
  readonly invalid: readonly string[];
}

export interface PreferenceOptions {
  readonly allowTransaction: boolean;
  /** Undefined: the preference is off. */
  readonly timeZones: ReadonlySet<string> | undefined;
}

const choices = {
  resolution: ['merge-duplicates', 'ignore-duplicates'],
  return: ['representation', 'minimal', 'headers-only'],
  count: ['exact', 'planned', 'estimated'],
  tx: ['commit', 'rollback'],
  missing: ['default', 'null'],
  handling: ['strict', 'lenient'],
} as const satisfies Record<string, readonly string[]>;

type Choice = keyof typeof choices;

const none: Preferences = {
  resolution: undefined,
  representation: undefined,
  count: undefined,
  transaction: undefined,
  missing: undefined,
  handling: undefined,
  timeZone: undefined,
  maxAffected: undefined,
  invalid: [],
};

const parsed = new BoundedCache<readonly string[]>(200);

/** Several headers come joined by commas. Never throws: `handling=strict` is judged by whoever plans. */
export function parsePreferences(header: string | undefined, options: PreferenceOptions): Preferences {
  if (header === undefined) return none;
  let items = parsed.get(header);
  if (items === undefined) {
    items = header.split(',').map((item) => item.trim());
    parsed.set(header, items);
  }
  const found: { [K in Choice]?: (typeof choices)[K][number] } = {};
  let timeZone: string | undefined;
  let maxAffected: number | undefined;
  const invalid: string[] = [];
  for (const item of items) {
    const equals = item.indexOf('=');
    const name = equals < 0 ? item : item.slice(0, equals);
    const value = equals < 0 ? '' : item.slice(equals + 1);
    if (isChoice(name) && (choices[name] as readonly string[]).includes(value)) {
      (found[name] as string | undefined) ??= value;
    } else if (name === 'timezone' && options.timeZones?.has(value) === true) timeZone ??= value;
    else if (name === 'max-affected') maxAffected ??= /^[0-9]{1,15}$/.test(value) ? Number(value) : undefined;
    else if (item !== '') invalid.push(item);
  }
  return {
    resolution: found.resolution,
    representation: found.return,
    count: found.count,
    transaction: options.allowTransaction ? found.tx : undefined,
    missing: found.missing,
    handling: found.handling,
    timeZone,
    maxAffected,
    invalid,
  };
}

function isChoice(name: string): name is Choice {
  return Object.hasOwn(choices, name);
}

/** One that only some kinds of request heed. */
export type HeededPreference = 'resolution' | 'missing' | 'representation' | 'max-affected';

/** Preference-Applied: those of the given ones that this kind of request heeds, in PostgREST's order; undefined: none. */
export function appliedPreferences(preferences: Preferences, heeded: readonly HeededPreference[]): string | undefined {
  const heeds = (name: HeededPreference) => heeded.includes(name);
  const { resolution, missing, representation, count, transaction, handling, timeZone, maxAffected } = preferences;
  const parts: string[] = [];
  if (resolution !== undefined && heeds('resolution')) parts.push(`resolution=${resolution}`);
  if (missing !== undefined && heeds('missing')) parts.push(`missing=${missing}`);
  if (representation !== undefined && heeds('representation')) parts.push(`return=${representation}`);
  if (count !== undefined) parts.push(`count=${count}`);
  if (transaction !== undefined) parts.push(`tx=${transaction}`);
  if (handling !== undefined) parts.push(`handling=${handling}`);
  if (timeZone !== undefined) parts.push(`timezone=${timeZone}`);
  if (maxAffected !== undefined && handling === 'strict' && heeds('max-affected')) {
    parts.push(`max-affected=${maxAffected}`);
  }
  return parts.length === 0 ? undefined : parts.join(', ');
}
