/**
 * Doing several things at once, but not too many.
 * @module
 */

/**
 * Runs `action` for every item, at most `limit` at a time, in the order of the items; the results come
 * in that order too. After the first failure nothing new begins, `onFailure` is told (to stop what is
 * running), and the failure is thrown once everything has ended: nothing is left behind that still runs.
 */
export async function mapLimited<T, R>(
  items: readonly T[],
  options: { readonly limit: number; readonly onFailure?: (error: unknown) => void },
  action: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  const failures: unknown[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const index = next++;
      try {
        results[index] = await action(items[index] as T, index);
      } catch (error) {
        if (failures.push(error) === 1) options.onFailure?.(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.limit, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return results;
}
