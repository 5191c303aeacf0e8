import { RestError } from '../../src/errors/rest-error.js';

/** The RestError that `work` throws or rejects with; anything else fails the test. */
export async function thrown(work: () => unknown): Promise<RestError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof RestError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
