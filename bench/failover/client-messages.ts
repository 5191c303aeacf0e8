import type { Acknowledgement, WriteHistory } from './history.js';

/** What the benchmark tells its client; a reply carries the question's number. */
export type ToClient =
  | { readonly kind: 'start'; readonly urls: readonly string[]; readonly connections: number }
  | { readonly kind: 'first'; readonly number: number; readonly begunAfter: number }
  | { readonly kind: 'stop'; readonly number: number };

export type FromClient =
  | { readonly kind: 'first'; readonly number: number; readonly answer: Acknowledgement }
  | { readonly kind: 'stop'; readonly number: number; readonly answer: WriteHistory };

export const table = 'holdfast_failover_bench';
