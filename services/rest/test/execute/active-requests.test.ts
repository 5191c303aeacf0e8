import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ActiveRequests } from '../../src/execute/active-requests.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('requests that run', () => {
  it('end when they take too long, and no others', () => {
    const requests = new ActiveRequests(5000, new AbortController().signal);
    const early = requests.open();
    vi.advanceTimersByTime(4000);
    const late = requests.open();
    expect(early.signal.aborted).toBe(false);
    vi.advanceTimersByTime(1500);
    expect(early.signal.reason).toMatchObject({
      name: 'TimeoutError',
      message: 'The request took longer than 5000 ms.',
    });
    expect(late.signal.aborted).toBe(false);
    early.close();
    vi.advanceTimersByTime(4000);
    expect(late.signal.aborted).toBe(true);
  });

  it('leave no timer behind', () => {
    const requests = new ActiveRequests(5000, new AbortController().signal);
    requests.open().close();
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(1000);
    expect(vi.getTimerCount()).toBe(0);
    const next = requests.open();
    vi.advanceTimersByTime(6000);
    expect(next.signal.aborted).toBe(true);
  });

  it('are abandoned by their client while they run, not afterwards', () => {
    const requests = new ActiveRequests(5000, new AbortController().signal);
    const [gone, done] = [requests.open(), requests.open()];
    gone.abandon();
    done.close();
    done.abandon();
    expect(gone.signal.reason).toMatchObject({ name: 'AbortError' });
    expect(done.signal.aborted).toBe(false);
  });

  it('end with the service, and so do those that come later', () => {
    const ending = new AbortController();
    const requests = new ActiveRequests(5000, ending.signal);
    const running = requests.open();
    ending.abort(new Error('the service ends'));
    expect(running.signal.reason).toBe(ending.signal.reason);
    expect(requests.open().signal.reason).toBe(ending.signal.reason);
  });
});
