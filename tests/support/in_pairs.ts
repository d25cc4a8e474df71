/**
 * Work of which two parts run at a time: most tests wait for other programs.
 * @module
 */

/** Does something with each item, two at a time, and ends when all are done. @throws the first error. */
export async function inPairs<T>(
  items: Iterable<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let next = waiting.next(); next.done !== true; next = waiting.next()) {
      await work(next.value);
    }
  };
  const results = await Promise.allSettled([worker(), worker()]);
  for (const result of results) if (result.status === "rejected") throw result.reason;
}
