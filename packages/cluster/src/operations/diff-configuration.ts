import type { JsonObject, JsonValue } from '@holdfast/components';
import { isJsonObject } from '@holdfast/components';

export interface ConfigurationDifference {
  /** For PATCH /config: only what differs; null removes. Empty: nothing differs. */
  readonly patch: JsonObject;
  /** For people, one a value: `postgresql.parameters.work_mem: 4MB → 64MB`. */
  readonly lines: readonly string[];
}

/**
 * The smallest patch after which `current` contains `wanted`; what `current` has beyond that stays. A null in `wanted` means
 * absent. Pure. Scalars are compared as text and lists as a whole, as Patroni's own patching does, so 100 and "100" are equal.
 */
export function diffConfiguration(current: JsonObject, wanted: JsonObject): ConfigurationDifference {
  const lines: string[] = [];
  return { patch: differences(current, wanted, '', lines), lines };
}

function differences(current: JsonObject, wanted: JsonObject, path: string, lines: string[]): JsonObject {
  const patch: { [key: string]: JsonValue } = {};
  for (const [key, value] of Object.entries(wanted)) {
    const now = Object.hasOwn(current, key) ? current[key] : undefined;
    const at = path === '' ? key : `${path}.${key}`;
    if (isJsonObject(value) && (isJsonObject(now) || now === undefined)) {
      const nested = differences(now ?? {}, value, at, lines);
      if (Object.keys(nested).length > 0) patch[key] = nested;
    } else if (value === null) {
      if (now === undefined || now === null) continue;
      patch[key] = null;
      lines.push(`${at}: ${show(now)} → removed`);
    } else if (now === undefined || now === null || text(now) !== text(value)) {
      patch[key] = value;
      lines.push(`${at}: ${show(now)} → ${show(value)}`);
    }
  }
  return patch;
}

function text(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function show(value: JsonValue | undefined): string {
  return value === undefined ? 'unset' : text(value);
}
