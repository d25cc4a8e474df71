/**
 * What threads that only help have in common.
 * @module
 */

/**
 * Tells when a thread cannot go on: it did not start, threw, or sent what cannot be read. Its error is not
 * the program's: whoever it helps does the work itself.
 */
export function onWorkerFailure(worker: Worker, fail: () => void): void {
  worker.onerror = (event): void => {
    event.preventDefault();
    fail();
  };
  worker.onmessageerror = fail;
}
