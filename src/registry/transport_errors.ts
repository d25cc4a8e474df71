/**
 * Errors that the transport itself creates.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { showUrl } from "./host.ts";
import type { HttpResponse } from "./http.ts";

/** Prefixes an error with the attempted action. */
export function withAction(error: MiseOciError, action: string): MiseOciError {
  if (error.message.startsWith("Cannot ") || error.message.startsWith("Refusing ")) return error;
  return new MiseOciError(error.code, `Cannot ${action}: ${error.message}`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.cause === undefined ? {} : { cause: error.cause }),
  });
}

/** The error for a body that is too long. */
export function tooLong(response: HttpResponse, limit: number): MiseOciError {
  const { method, url } = response.request;
  return new MiseOciError(
    "invalid",
    `${method} ${showUrl(url)} answered with more than ${limit} bytes`,
    { hint: "No valid manifest or config is as long; check the reference" },
  );
}
