/** Runs again what two requests did at once: the second finds what the first made. 23505 is PostgreSQL's unique_violation. */
export async function retryOnce<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== '23505') throw error;
    return await work();
  }
}
