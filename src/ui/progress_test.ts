import { assert, assertEquals, assertLessOrEqual, assertStringIncludes } from "@std/assert";
import { makeColors } from "./color.ts";
import { makeReporter, PlainReporter } from "./make_reporter.ts";
import {
  initialProgress,
  measureRate,
  progressReducer,
  type ProgressState,
} from "./progress_state.ts";
import { progressBar, renderProgress } from "./render.ts";
import type { ReportEvent } from "./reporter.ts";
import { TerminalReporter } from "./terminal_reporter.ts";
import { textWidth } from "./width.ts";

const colors = makeColors(false);

function stateOf(events: readonly (readonly [at: number, event: ReportEvent])[]): ProgressState {
  return events.reduce(
    (state, [at, event]) => progressReducer(state, event, at),
    initialProgress,
  );
}

Deno.test("progressReducer() follows items from start to end and ignores unknown ones", () => {
  const state = stateOf([
    [0, { type: "step", text: "Building" }],
    [0, { type: "start", id: "a", label: "tool a" }],
    [10, { type: "total", id: "a", total: 100 }],
    [20, { type: "advance", id: "a", bytes: 60 }],
    [30, { type: "advance", id: "a", bytes: 40 }],
    [40, { type: "done", id: "a", note: "built" }],
    [50, { type: "start", id: "b", label: "tool b", total: 5 }],
    [60, { type: "failed", id: "b" }],
    [70, { type: "advance", id: "nobody", bytes: 1 }],
    [70, { type: "done", id: "nobody" }],
  ]);
  assertEquals([...state.items.values()], [
    {
      id: "a",
      label: "tool a",
      total: 100,
      bytes: 100,
      startedAt: 0,
      endedAt: 40,
      status: "done",
      note: "built",
    },
    { id: "b", label: "tool b", total: 5, bytes: 0, startedAt: 50, endedAt: 60, status: "failed" },
  ]);
  assertEquals([state.step, state.bytes], ["Building", 100]);
});

Deno.test("measureRate() settles at the rate that bytes come with", () => {
  let state = stateOf([[0, { type: "start", id: "a", label: "a" }]]);
  for (let now = 0; now <= 20_000; now += 100) {
    state = progressReducer(state, { type: "advance", id: "a", bytes: 1_000_000 }, now);
    state = measureRate(state, now);
  }
  assert(Math.abs((state.rate ?? 0) - 10_000_000) < 100_000, String(state.rate));
});

Deno.test("renderProgress() shows step, bar, bytes, rate and time left", () => {
  const state = stateOf([
    [0, { type: "step", text: "Building layers" }],
    [0, { type: "start", id: "n", label: "node 24.11.0", total: 100_000_000 }],
    [0, { type: "start", id: "b", label: "base" }],
    [2000, { type: "advance", id: "n", bytes: 50_000_000 }],
  ]);
  assertEquals(renderProgress(state, { columns: 90, rows: 24, now: 2000, colors }), [
    "Building layers",
    "⠋ node 24.11.0  ██████████            50.0 MB / 100 MB  25.0 MB/s  2.0s",
    "⠋ base",
    "  0 of 2 items done · 50.0 MB",
  ]);
});

Deno.test("renderProgress() collapses long lists and never writes a line that wraps", () => {
  const labels = ["npm:prettier", "日本語の道具".repeat(9), "evil\x1b[2J\nlabel", "x".repeat(300)];
  const events = Array.from({ length: 300 }, (_, at): [number, ReportEvent] => [
    at,
    { type: "start", id: `${at}`, label: labels[at % 4] ?? "", total: 1e12 },
  ]);
  const state = stateOf([
    ...events,
    [300, { type: "advance", id: "1", bytes: 5e11 }],
    ...events.slice(0, 20).map(([, event]): [number, ReportEvent] => [
      400,
      { type: "done", id: "id" in event ? event.id : "" },
    ]),
  ]);
  for (const [columns, rows] of [[4, 3], [20, 5], [40, 10], [80, 24], [200, 60]] as const) {
    const lines = renderProgress(state, { columns, rows, now: 5000, colors });
    assertLessOrEqual(lines.length, Math.max(3, rows - 1));
    for (const line of lines) {
      assertLessOrEqual(textWidth(line), columns - 1, line);
      assert(!line.includes("\x1b") && !line.includes("\n"), line);
    }
  }
  const lines = renderProgress(state, { columns: 80, rows: 24, now: 5000, colors });
  assertStringIncludes(lines.at(-2) ?? "", "… and 269 more");
  assertStringIncludes(lines.at(-1) ?? "", "20 of 300 items done");
});

Deno.test("progressBar() fills in eighths of a column and stays within its width", () => {
  assertEquals(progressBar(0, 4), "    ");
  assertEquals(progressBar(0.5, 4), "██  ");
  assertEquals(progressBar(1 / 32, 4), "▏   ");
  assertEquals(progressBar(7, 4), "████");
});

// deno-lint-ignore no-control-regex
const TOKEN = /\x1b\[(?:(\d+)A|\??\d*[a-zA-Z])|\r|\n|[^\x1b\r\n]+/g;

/** A terminal as far as the driver uses one: going up always comes with erasing what is below. */
class FakeTerminal {
  lines: string[] = [""];
  cursorShown = true;
  columns = 60;
  now = 0;
  writes = 0;
  tick: (() => void) | undefined;
  stopped = 0;

  write(text: string): void {
    this.writes++;
    for (const [token, up] of text.matchAll(TOKEN)) {
      if (up !== undefined) this.lines.splice(this.lines.length - 1 - Number(up), Infinity, "");
      else if (token === "\x1b[?25l") this.cursorShown = false;
      else if (token === "\x1b[?25h") this.cursorShown = true;
      else if (token === "\n") this.lines.push("");
      else if (token !== "\x1b[0J" && token !== "\r") {
        this.lines.push(`${this.lines.pop() ?? ""}${token}`);
      }
    }
    assert(this.cursorShown, "a write leaves the cursor hidden");
  }

  reporter(): TerminalReporter {
    return new TerminalReporter({
      colors,
      verbosity: 1,
      quiet: false,
      write: (text) => this.write(text),
      size: () => ({ columns: this.columns, rows: 24 }),
      now: () => this.now,
      every: (_milliseconds, tick) => {
        this.tick = tick;
        return () => void this.stopped++;
      },
    });
  }
}

Deno.test("TerminalReporter draws at ticks only, keeps messages above, and erases itself", () => {
  const terminal = new FakeTerminal();
  const reporter = terminal.reporter();
  reporter.emit({ type: "step", text: "Building" });
  for (let at = 0; at < 1000; at++) {
    reporter.emit({ type: "start", id: `${at % 3}`, label: `tool ${at % 3}` });
    reporter.emit({ type: "advance", id: `${at % 3}`, bytes: 1 });
  }
  assertEquals(terminal.writes, 0);
  terminal.tick?.();
  assertEquals(terminal.writes, 1);
  terminal.tick?.();
  assertEquals(terminal.writes, 1, "an unchanged frame is not written again");
  reporter.emit({ type: "warning", text: "careful\nnow" });
  reporter.emit({ type: "detail", level: 1, text: "detail" });
  reporter.emit({ type: "detail", level: 2, text: "too much" });
  assertEquals(terminal.lines.slice(0, 4), ["warning: careful", "  now", "detail", "Building"]);
  reporter.stop();
  reporter.stop();
  reporter.emit({ type: "warning", text: "late" });
  assertEquals(terminal.lines, ["warning: careful", "  now", "detail", ""]);
  assertEquals(terminal.stopped, 1);
});

Deno.test("TerminalReporter leaves the terminal to a container and takes it back", () => {
  const terminal = new FakeTerminal();
  const reporter = terminal.reporter();
  reporter.emit({ type: "step", text: "Loading" });
  terminal.tick?.();
  assertEquals(terminal.lines, ["Loading", ""]);
  reporter.emit({ type: "suspend" });
  assertEquals(terminal.lines, [""]);
  const { writes } = terminal;
  terminal.now += 1000;
  terminal.tick?.();
  assertEquals(terminal.writes, writes);
  reporter.emit({ type: "resume" });
  terminal.tick?.();
  assertEquals(terminal.lines, ["Loading", ""]);
});

Deno.test("TerminalReporter erases lines that a narrower terminal has wrapped", () => {
  const terminal = new FakeTerminal();
  const reporter = terminal.reporter();
  reporter.emit({ type: "step", text: "s".repeat(50) });
  terminal.tick?.();
  terminal.lines = ["before", "s".repeat(25), "s".repeat(25), ""];
  terminal.columns = 25;
  reporter.stop();
  assertEquals(terminal.lines, ["before", ""]);
});

function plain(progress: boolean, quiet: boolean, events: readonly ReportEvent[]): string {
  let [text, now] = ["", 0];
  const reporter = new PlainReporter({
    colors,
    verbosity: 0,
    quiet,
    progress,
    write: (line) => void (text += line),
    now: () => now,
  });
  for (const event of events) {
    reporter.emit(event);
    now += 600;
  }
  return text;
}

const events: readonly ReportEvent[] = [
  { type: "step", text: "Building" },
  { type: "start", id: "a", label: "tool\x1b a", total: 2_000_000 },
  { type: "advance", id: "a", bytes: 2_000_000 },
  { type: "warning", text: "careful" },
  { type: "detail", level: 1, text: "detail" },
  { type: "done", id: "a", note: "cached" },
];

Deno.test("PlainReporter writes a line when something begins and ends", () => {
  assertEquals(
    plain(true, false, events),
    "Building\n  tool\\x1b a (2.00 MB) ...\nwarning: careful\n  tool\\x1b a: cached, 2.00 MB, 2.4s\n",
  );
});

Deno.test("PlainReporter without progress writes warnings only, and nothing when quiet", () => {
  assertEquals(plain(false, false, events), "warning: careful\n");
  assertEquals(plain(true, true, events), "");
});

Deno.test("makeReporter() draws only where lines can be drawn over", async () => {
  const make = async (
    progress: "auto" | "plain" | "none",
    canDraw: boolean,
    quiet = false,
  ): Promise<boolean> => {
    const reporter = await makeReporter({
      progress,
      canDraw,
      quiet,
      verbosity: 0,
      colors,
      write: () => {},
      size: () => undefined,
    });
    reporter.stop();
    return reporter instanceof TerminalReporter;
  };
  assertEquals(await make("auto", true), true);
  assertEquals([await make("auto", false), await make("plain", true), await make("none", true)], [
    false,
    false,
    false,
  ]);
  assertEquals(await make("auto", true, true), false);
});
