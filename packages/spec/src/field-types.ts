import { z } from 'zod';
import type { Problem } from './problem.js';
import { durationPattern, formatDuration, formatSize, parseDuration, parseSize, sizePattern } from './quantity.js';

/** What a field shows to people: its default, or an example where the default depends on the machine. */
type Shown = { readonly default: unknown } | { readonly examples: readonly unknown[] };

export function field<T extends z.ZodType>(schema: T, description: string, shown: Shown): z.ZodOptional<T> {
  const metadata = 'default' in shown ? { default: shown.default } : { examples: [...shown.examples] };
  return z.optional(schema.meta({ description, ...metadata }));
}

export function section<T extends z.ZodType>(schema: T, description: string): z.ZodOptional<T> {
  return z.optional(schema.meta({ description }));
}

export const group = <T extends z.core.$ZodLooseShape>(shape: T) => z.strictObject(shape, { error: groupError });
const groupError = (issue: z.core.$ZodRawIssue) =>
  issue.code === 'invalid_type' ? 'must be a group of settings, one a line below it' : undefined;

export function integer(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

export function choice<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, { error: `must be ${values.slice(0, -1).join(', ')} or ${values.at(-1)}` });
}

/** To milliseconds. */
export function duration(unit: 'ms' | 's', min: number, max: number, step = 1) {
  const whole = step === 1000 ? ' in whole seconds' : '';
  const error = `must be a duration from ${formatDuration(min)} to ${formatDuration(max)}${whole}, such as 100ms, 2s or 1min; a bare number counts in ${unit}`;
  return z
    .union([z.number().min(0), z.string().regex(durationPattern, { error })], { error })
    .transform((value, context) => {
      const result = parseDuration(value, unit);
      if (result !== undefined && result >= min && result <= max && result % step === 0) return result;
      context.issues.push({ code: 'custom', input: value, message: error });
      return z.NEVER;
    });
}

/** To bytes. */
export function size(min: number, max: number) {
  const error = `must be a size from ${formatSize(min)} to ${formatSize(max)}, such as 512MB or 8GiB; a bare number counts in bytes`;
  return z
    .union([z.number().min(0), z.string().regex(sizePattern, { error })], { error })
    .transform((value, context) => {
      const result = parseSize(value);
      if (result !== undefined && result >= min && result <= max) return result;
      context.issues.push({ code: 'custom', input: value, message: error });
      return z.NEVER;
    });
}

/** Turns a check that knows nothing of zod into one of zod's. */
export function problems<T>(check: (value: T) => readonly Problem[]) {
  return (context: z.core.ParsePayload<T>): void => {
    for (const { path, problem, suggestion } of check(context.value)) {
      context.issues.push({
        code: 'custom',
        input: context.value,
        path: [...path],
        message: problem,
        params: { suggestion },
      });
    }
  };
}
