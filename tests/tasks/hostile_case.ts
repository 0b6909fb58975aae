/**
 * A file of a stranger, given to a task in a process of its own: what it may take, and what it must
 * say. Every file exercises a bound of ours; none of them harms other software.
 */
import type { TemporaryFolder } from "../temporary_folder.ts";
import { startProgram } from "./small_project.ts";

/** A case. */
export interface HostileFile {
  readonly name: string;
  /** Puts the file into a small project. */
  readonly arrange: (folder: TemporaryFolder) => Promise<unknown>;
  /** The task; default: train. */
  readonly task?: string;
  /** Its words; default: the project's recipe. */
  readonly words?: readonly string[];
  /** Parts of the one line. */
  readonly says: readonly string[];
}

/** What a case may take. */
export const LIMIT = { seconds: 10, bytes: 1e9 };

/** What verify says before it says why. */
const DAMAGED = /^"[^"]*" is damaged: /gm;

/** Lines beside the error: what is noted, and how far the work came. */
const EXPECTED = /^(error|warning|note): |^(load|merge|reference) .* in /;

/** How a task ended. */
export interface TaskEnd {
  readonly code: number;
  readonly lines: readonly string[];
  readonly seconds: number;
  /** The most bytes in memory; 0 where the system does not tell. */
  readonly bytes: number;
}

/** Runs the task of a case to its end; one that takes too much is ended. */
export async function runHostile(
  folder: TemporaryFolder,
  { task = "train", words = ["recipe.jsonc"] }: HostileFile,
): Promise<TaskEnd> {
  const began = performance.now();
  const child = startProgram(`tasks/${task}.ts`, folder, words);
  let bytes = 0;
  const eye = setInterval(() => {
    bytes = Math.max(bytes, peakBytes(child.pid));
    const isLong = performance.now() - began > 3000 * LIMIT.seconds;
    if (isLong || bytes > 3 * LIMIT.bytes) child.kill("SIGKILL");
  }, 50);
  const { code, stdout, stderr } = await child.output();
  clearInterval(eye);
  const seconds = (performance.now() - began) / 1000;
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  // what is damaged is what verify was asked
  const asked = task === "verify" ? text(stdout) : "";
  const lines = (text(stderr) + asked.replaceAll(DAMAGED, "error: "))
    .split("\n").filter((line) => line !== "");
  return { code, lines, seconds, bytes };
}

/** The most bytes that a process has had in memory, as Linux tells it. */
function peakBytes(pid: number): number {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/status`);
    return 1024 * Number(/^VmHWM:\s+(\d+) kB/m.exec(text)?.[1] ?? 0);
  } catch {
    return 0; // it has ended, or there is no such file
  }
}

/** What is wrong with how a case ended; each a line. */
export function faultsOf(
  { name, says }: HostileFile,
  { code, lines, seconds, bytes }: TaskEnd,
): string[] {
  const errors = lines.filter((line) => line.startsWith("error: "));
  const [error = ""] = errors;
  const others = lines.filter((line) => !EXPECTED.test(line));
  const checks: Record<string, boolean> = {
    [`exit code ${code}`]: code === 1,
    [`${seconds.toFixed(1)} s`]: seconds < LIMIT.seconds,
    [`${Math.round(bytes / 1e6)} MB`]: bytes < LIMIT.bytes,
    [`${errors.length} lines: ${lines.join("\n").slice(0, 600)}`]:
      errors.length === 1,
    [`other lines: ${others.join("\n").slice(0, 300)}`]: others.length === 0,
    [`says ${error.slice(0, 600)}`]: error.startsWith("error: Cannot ") &&
      error.length < 2500 && says.every((part) => error.includes(part)),
  };
  return Object.entries(checks).filter(([, isRight]) => !isRight)
    .map(([what]) => `${name}: ${what}`);
}
