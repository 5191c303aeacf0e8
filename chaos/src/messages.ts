import type { HoldfastError } from '@holdfast/spec';
import type { ChaosResult } from './run-job.js';
import type { LabJob } from './run-lab-job.js';

export type ToInside = { readonly kind: 'job'; readonly job: LabJob } | { readonly kind: 'abort' };

export type FromInside =
  | { readonly kind: 'step' | 'note'; readonly text: string }
  | { readonly kind: 'done'; readonly result: ChaosResult }
  | { readonly kind: 'failed'; readonly error: ReturnType<HoldfastError['toJSON']>; readonly exitCode: number };
