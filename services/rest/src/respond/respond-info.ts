import type { Routine, Table } from '../schema-cache/types.js';
import type { Answer } from './answer.js';

/** The answer to OPTIONS: what may be done with it. */
export function respondInfo(allow: string): Answer {
  return {
    status: 200,
    headers: [
      ['Access-Control-Allow-Origin', '*'],
      ['Allow', allow],
    ],
    body: '',
  };
}

export const rootMethods = 'OPTIONS,GET,HEAD';

export function tableMethods({ insertable, updatable, deletable, primaryKey }: Table): string {
  return [
    'OPTIONS,GET,HEAD',
    ...(insertable ? ['POST'] : []),
    ...(insertable && updatable && primaryKey.length > 0 ? ['PUT'] : []),
    ...(updatable ? ['PATCH'] : []),
    ...(deletable ? ['DELETE'] : []),
  ].join(',');
}

export function routineMethods({ volatility }: Routine): string {
  return volatility === 'volatile' ? 'OPTIONS,POST' : 'OPTIONS,GET,HEAD,POST';
}
