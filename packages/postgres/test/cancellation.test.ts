import { describe, expect, it } from 'vitest';
import { asAbortSignal, LightCancellation } from '../src/cancellation.js';

describe('a light cancellation', () => {
  it('tells those who listen, once and in their order', () => {
    const cancellation = new LightCancellation();
    const told: string[] = [];
    const gone = () => told.push('gone');
    cancellation.addEventListener('abort', () => told.push('first'));
    cancellation.addEventListener('abort', gone);
    cancellation.addEventListener('abort', () => told.push('second'));
    cancellation.removeEventListener('abort', gone);
    expect(() => cancellation.throwIfAborted()).not.toThrow();
    cancellation.abort('enough');
    cancellation.abort('again');
    cancellation.addEventListener('abort', () => told.push('late'));
    expect(told).toEqual(['first', 'second']);
    expect([cancellation.aborted, cancellation.reason]).toEqual([true, 'enough']);
    expect(() => cancellation.throwIfAborted()).toThrow('enough');
  });

  it('lets those who listen leave while they are told', () => {
    const cancellation = new LightCancellation();
    const told: string[] = [];
    const second = () => told.push('second');
    cancellation.addEventListener('abort', () => cancellation.removeEventListener('abort', second));
    cancellation.addEventListener('abort', second);
    cancellation.addEventListener('abort', () => told.push('third'));
    cancellation.abort('enough');
    expect(told).toContain('third');
  });

  it('is an AbortSignal where one is needed', () => {
    const cancellation = new LightCancellation();
    const signal = asAbortSignal(cancellation);
    expect(signal.aborted).toBe(false);
    cancellation.abort('enough');
    expect([signal.aborted, signal.reason]).toEqual([true, 'enough']);
    expect(asAbortSignal(cancellation).reason).toBe('enough');
    expect(asAbortSignal(signal)).toBe(signal);
  });
});
