/**
 * Failure handling for threads that only assist.
 * @module
 */

/**
 * Calls `fail` when a thread cannot continue: it did not start, threw, or sent an unreadable message. This
 * is not an error of the program, because the main thread does the work itself.
 */
export function onWorkerFailure(worker: Worker, fail: () => void): void {
  worker.onerror = (event): void => {
    event.preventDefault();
    fail();
  };
  worker.onmessageerror = fail;
}
