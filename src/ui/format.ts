/**
 * Formats numbers for display.
 * @module
 */

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/**
 * A size in powers of 1000, as docker and registries count: three digits, `1.23 GB`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatBytes } from "./format.ts";
 *
 * assertEquals(formatBytes(999), "999 B");
 * assertEquals(formatBytes(28_230_000), "28.2 MB");
 * ```
 */
export function formatBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  // 999,500 would round to "1000 kB".
  while (value >= (unit === 0 ? 1000 : 999.5) && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** A span of time in milliseconds: `0.4s`, `12s`, `3m20s`, `2h05m`, `9d`. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const two = (value: number): string => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  if (whole < 2 * 86400) {
    return `${Math.floor(whole / 3600)}h${two(Math.floor(whole % 3600 / 60))}m`;
  }
  return `${Math.floor(whole / 86400)}d`;
}

/** `1 layer`, `2 layers`. */
export function formatCount(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`;
}
