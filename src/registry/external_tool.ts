/**
 * Uploads with `skopeo` or `crane` instead of the built-in client. They find their credentials themselves;
 * none are passed as arguments.
 * @module
 */
import { describeError, MiseOciError } from "../errors.ts";
import { identityEnv } from "../own_secrets.ts";
import { runProcess } from "../process/run.ts";
import { formatReference, type Reference } from "../oci/mod.ts";
import { hostKind, registryUrl } from "./host.ts";

/** A program that can push an image layout. */
export type ExternalTool = "skopeo" | "crane";

/** How a program ended. */
export interface ToolOutput {
  /** Exit code. */
  readonly code: number;
  /** What it wrote, stdout and then stderr. */
  readonly text: string;
}

/** Runs a program. @throws `Deno.errors.NotFound` if it is not on PATH. */
export type RunTool = (
  program: string,
  options: { readonly args: readonly string[]; readonly signal?: AbortSignal },
) => Promise<ToolOutput>;

/** Source and destination of {@linkcode pushWithTool}. */
export interface ExternalPush {
  /** The program. */
  readonly tool: ExternalTool;
  /** Absolute directory of an image layout whose index has one entry: an image, or an index of several. */
  readonly layout: string;
  /** Destination. */
  readonly reference: Reference;
  /** Uses plain http, or does not check the registry's certificate. */
  readonly insecure: boolean;
}

/** Options of {@linkcode pushWithTool}. */
export interface ExternalPushOptions {
  /** Runs the program. Default: the real one. */
  readonly run?: RunTool;
  /** Terminates the program. */
  readonly signal?: AbortSignal;
}

/** Number of characters shown of a failed program's output. */
const TAIL_LENGTH = 2000;

/** Number of bytes kept of each output stream. */
const OUTPUT_BYTES = 64 << 10;

const runTool: RunTool = async (program, { args, signal }) => {
  const output = { maxBytes: OUTPUT_BYTES, beyond: "drop" } as const;
  const { code, stdout, stderr } = await runProcess({
    command: [program, ...args],
    env: identityEnv(),
    failure: `Cannot run "${program}"`,
    explain: (cause) => cause,
    stdout: output,
    stderr: output,
    signal,
  });
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
};

/**
 * The arguments for a push.
 *
 * @throws {MiseOciError} `unsupported` if the directory's name cannot be passed to the program.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { externalToolArguments } from "./external_tool.ts";
 * import { parseReference } from "../oci/mod.ts";
 *
 * const push = { tool: "crane", layout: "/tmp/img", insecure: false } as const;
 * assertEquals(
 *   externalToolArguments({ ...push, reference: parseReference("ghcr.io/me/app:1") }),
 *   ["push", "/tmp/img", "ghcr.io/me/app:1"],
 * );
 * ```
 */
export function externalToolArguments(push: ExternalPush): readonly string[] {
  const { tool, layout, reference, insecure } = push;
  const target = formatReference(reference);
  // skopeo tries TLS first, with or without the flag; crane detects loopback hosts itself.
  const plain = insecure ||
    hostKind(registryUrl(reference.registry, { insecure }).hostname) === "loopback";
  if (tool === "crane") return ["push", ...(insecure ? ["--insecure"] : []), layout, target];
  if (layout.includes(":")) {
    throw new MiseOciError("unsupported", `Cannot hand "${layout}" to skopeo: it has a colon`, {
      hint: "Choose another TMPDIR, or leave --tool out",
    });
  }
  return [
    "copy",
    "--all",
    "--preserve-digests",
    ...(plain ? ["--dest-tls-verify=false"] : []),
    `oci:${layout}`,
    `docker://${target}`,
  ];
}

/** The end of a program's output, without control characters other than line ends. */
function tail(text: string): string {
  const clean = text.replace(/\p{Cc}\[[0-9;]*[A-Za-z]/gu, "").replace(/(?!\n)\p{Cc}/gu, " ");
  return clean.trim().slice(-TAIL_LENGTH);
}

/** Runs the program. @throws {MiseOciError} `not-found` if it is not on PATH, `io` if it cannot be started. */
async function callTool(
  tool: ExternalTool,
  args: readonly string[],
  { run = runTool, signal }: ExternalPushOptions,
): Promise<ToolOutput> {
  try {
    return await run(tool, { args, ...(signal === undefined ? {} : { signal }) });
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof Deno.errors.NotFound) {
      throw new MiseOciError("not-found", `Cannot run "${tool}": it is not on PATH`, {
        hint: `Install ${tool}, or leave --tool out: the built-in client needs no other program`,
        cause,
      });
    }
    if (cause instanceof MiseOciError) throw cause;
    throw new MiseOciError("io", `Cannot run "${tool}": ${describeError(cause)}`, { cause });
  }
}

/**
 * Checks before a build that the program for the push exists.
 *
 * @throws {MiseOciError} as {@linkcode pushWithTool}.
 */
export async function checkTool(
  tool: ExternalTool,
  options: ExternalPushOptions = {},
): Promise<void> {
  await callTool(tool, ["--help"], options);
}

/**
 * Pushes an image with another program.
 *
 * @throws {MiseOciError} `not-found` if the program is not on PATH, `registry` with the end of its
 * output if it fails.
 */
export async function pushWithTool(
  push: ExternalPush,
  options: ExternalPushOptions = {},
): Promise<void> {
  const { tool } = push;
  const output = await callTool(tool, externalToolArguments(push), options);
  options.signal?.throwIfAborted();
  if (output.code === 0) return;
  throw new MiseOciError(
    "registry",
    `Cannot push to "${
      formatReference(push.reference)
    }": ${tool} ended with code ${output.code}: ` +
      tail(output.text),
    {
      // skopeo rewrites an index, and older versions do not always produce the same bytes.
      hint: /cannot modify it/.test(output.text)
        ? `This ${tool} cannot send the index unchanged. Leave --tool out: the built-in client can`
        : `Log in with ${tool === "crane" ? "crane auth login" : "skopeo login"} if it asks to`,
    },
  );
}
