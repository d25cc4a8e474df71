/**
 * Error answers (distribution-spec, "Error Codes").
 * @module
 */
import type { Reply } from "./exchange.ts";

/** An error answer. */
export function errorReply(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return {
    status,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ errors: [{ code, message }] }),
  };
}
