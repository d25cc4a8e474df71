import { assertEquals, assertRejects } from "@std/assert";
import { BuildQueue } from "./schedule.ts";

const NEVER = new AbortController().signal;
/** A `look` that adds nothing. */
const nothing = (): Promise<void> => Promise.resolve();

/** A build that is ended from outside. */
function controlled(name: string, begun: string[]): {
  readonly build: () => Promise<void>;
  readonly end: (error?: unknown) => void;
} {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const build = (): Promise<void> => {
    begun.push(name);
    return promise;
  };
  return { build, end: (error) => error === undefined ? resolve() : reject(error) };
}

/** Lets all pending work run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("BuildQueue begins at once, then takes the largest of those that wait", async () => {
  const begun: string[] = [];
  const queue = new BuildQueue(NEVER, 2);
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => controlled(name, begun));
  queue.add(1, a!.build);
  queue.add(2, b!.build);
  queue.add(3, c!.build);
  queue.add(9, d!.build);
  assertEquals(begun, ["a", "b"]);
  b!.end();
  await settle();
  assertEquals(begun, ["a", "b", "d"]);
  for (const one of [a, c, d]) one!.end();
  await queue.all(nothing);
  assertEquals(begun, ["a", "b", "d", "c"]);
});

Deno.test("BuildQueue takes a layer that is added while others run out", async () => {
  const begun: string[] = [];
  const queue = new BuildQueue(NEVER, 1);
  const late = controlled("late", begun);
  queue.add(1, () => {
    begun.push("first");
    queue.add(1, late.build);
    return Promise.resolve();
  });
  late.end();
  await queue.all(nothing);
  assertEquals(begun, ["first", "late"]);
});

Deno.test("BuildQueue begins the next layer when one is read, and waits for both", async () => {
  const begun: string[] = [];
  const queue = new BuildQueue(NEVER, 1);
  const [first, second, third] = ["first", "second", "third"].map((name) =>
    controlled(name, begun)
  );
  queue.add(1, (onRead) => {
    const built = first!.build();
    onRead();
    // A tree that changed is read again.
    onRead();
    return built;
  });
  queue.add(2, second!.build);
  queue.add(1, third!.build);
  assertEquals(begun, ["first", "second"]);
  first!.end();
  await settle();
  assertEquals(begun, ["first", "second"]);
  second!.end();
  third!.end();
  await queue.all(nothing);
  assertEquals(begun, ["first", "second", "third"]);
});

Deno.test("BuildQueue builds one layer that fills gaps besides the others", async () => {
  const begun: string[] = [];
  const queue = new BuildQueue(NEVER, 1);
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => controlled(name, begun));
  const told: boolean[] = [];
  const add = (bytes: number, one: typeof a, fills: boolean): void =>
    queue.add(bytes, (_onRead, filling) => {
      told.push(filling);
      return one!.build();
    }, { fills });
  add(1, a, false);
  add(5, b, true);
  // One is already running, so this one waits like the others.
  add(3, c, true);
  add(4, d, false);
  assertEquals(begun, ["a", "b"]);
  a!.end();
  await settle();
  assertEquals(begun, ["a", "b", "d"]);
  b!.end();
  await settle();
  assertEquals(begun, ["a", "b", "d", "c"]);
  assertEquals(told, [false, true, false, true]);
  for (const one of [c, d]) one!.end();
  await queue.all(nothing);
});

Deno.test("BuildQueue throws the first failure once nothing runs, and begins nothing more", async () => {
  const begun: string[] = [];
  const running = controlled("running", begun);
  const queue = new BuildQueue(NEVER, 2);
  // The running builds end because they are aborted.
  queue.signal.addEventListener("abort", () => running.end(new Error("stopped")));
  const broken = controlled("broken", begun);
  queue.add(1, running.build);
  queue.add(1, broken.build);
  queue.add(1, controlled("never", begun).build);
  broken.end(new Error("broken"));
  await assertRejects(() => queue.all(nothing), Error, "broken");
  queue.add(1, controlled("later", begun).build);
  assertEquals(begun, ["running", "broken"]);
});

Deno.test("BuildQueue waits for what runs if there is something wrong with a layer to come", async () => {
  const begun: string[] = [];
  let ended = false;
  const running = controlled("running", begun);
  const queue = new BuildQueue(NEVER, 1);
  queue.signal.addEventListener("abort", () => running.end());
  const all = queue.all(() => {
    queue.add(1, async () => {
      await running.build();
      await settle();
      ended = true;
    });
    queue.add(1, controlled("never", begun).build);
    return Promise.reject(new Error("not wanted"));
  });
  await assertRejects(() => all, Error, "not wanted");
  assertEquals([ended, begun], [true, ["running"]]);
});

Deno.test("BuildQueue stops what it builds when the build is stopped", () => {
  const stop = new AbortController();
  const queue = new BuildQueue(stop.signal);
  stop.abort();
  assertEquals(queue.signal.aborted, true);
});
