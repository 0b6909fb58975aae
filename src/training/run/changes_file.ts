/**
 * changes.jsonl in a run's folder: at which steps it went on with something other than before, with
 * the values of both. options.json holds the last ones.
 */
import { join } from "@std/path";
import { formatJsonLine, parseJsonLines } from "../../base/json_lines.ts";
import { writeFileAtomic } from "../../files/disk/atomic.ts";
import { readTextIfThere } from "../../files/disk/whole_file.ts";
import { RUN_FILE } from "../../files/file_names.ts";
import type { Change } from "./resume_changes.ts";

/** A change, and the steps that were done before it. */
export interface RecordedChange extends Omit<Change, "isFree"> {
  readonly step: number;
}

/** The changes of a run in their order, those of later steps than `step` left out. */
export async function readChanges(
  folder: string,
  step = Infinity,
): Promise<RecordedChange[]> {
  const source = join(folder, RUN_FILE.changes);
  const text = await readTextIfThere(source) ?? "";
  return [...parseJsonLines(text, { source, allowTorn: true })]
    .map(({ value }) => value as RecordedChange)
    .filter((change) => change.step <= step);
}

/** Adds changes to those of earlier parts of the run. */
export async function recordChanges(
  folder: string,
  { changes }: { readonly changes: readonly Change[] },
  { step }: { readonly step: number },
): Promise<void> {
  const earlier = await readChanges(folder, step);
  const lines = [
    ...earlier,
    ...changes.map(({ name, before, now }) => ({ step, name, before, now })),
  ];
  if (lines.length === 0) return;
  const path = join(folder, RUN_FILE.changes);
  await writeFileAtomic(path, lines.map(formatJsonLine).join(""));
}
