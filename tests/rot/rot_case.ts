/** One case of bit rot: a file is damaged, the work is done, and what came of it is judged. */
import { basename, dirname, join } from "@std/path";
import { listenToNotes } from "../../src/base/notes.ts";
import { Random } from "../../src/base/random.ts";
import { foreignReason } from "../fuzz/foreign_error.ts";
import { ROT_KINDS } from "./rot_kinds.ts";
import type { Stage } from "./rot_scene.ts";
import { putBack } from "./snapshot.ts";

/** What came of a case. */
export type Outcome =
  /** Nothing was said, and nothing differs: no number depends on what rotted. */
  | "equal"
  /** Made again, or an older one was taken: a line names the file, and nothing differs. */
  | "mended"
  /** A line names the file, whose content is taken as it is. */
  | "told"
  /** Ended with a line that names the file. */
  | "refused"
  /** A fault. */
  | "silent"
  | "foreign words"
  | "unnamed";

/** A case and what came of it. */
export interface RotResult {
  readonly kind: string;
  readonly stage: string;
  readonly file: string;
  readonly outcome: Outcome;
  /** All that was said. */
  readonly said: string;
}

/** Outcomes that must not be. */
export const FAULTS: readonly Outcome[] = [
  "silent",
  "foreign words",
  "unnamed",
];

/** Damages some file of a stage, chosen by the seed, and does the work. */
export async function rotCase(
  root: string,
  stage: Stage,
  { kind, seed, wanted }: {
    readonly kind: string;
    readonly seed: number;
    /** What undamaged files give. */
    readonly wanted: readonly Uint8Array[];
  },
): Promise<RotResult> {
  putBack(root, stage.before);
  const random = new Random(seed);
  const file = stage.files[random.below(stage.files.length)]!;
  const neighbours = stage.files.filter((one) =>
    one !== file && dirname(one) === dirname(file)
  );
  const neighbour = neighbours[random.below(Math.max(1, neighbours.length))] ??
    file;
  const bytes = stage.before.get(file)!;
  ROT_KINDS[kind]!({
    path: join(root, file),
    bytes,
    older: stage.older.get(file) ?? bytes,
    neighbour: join(root, neighbour),
    random,
  });
  const told: string[] = [];
  using _notes = listenToNotes((line) => void told.push(line));
  let outcome: Outcome;
  try {
    const found = await stage.work();
    const isEqual = wanted.every((one, i) =>
      new Uint8Array(one).toHex() === new Uint8Array(found[i]!).toHex()
    );
    outcome = told.some((line) => names(line, file, neighbour))
      ? isEqual ? "mended" : "told"
      : isEqual
      ? "equal"
      : "silent";
  } catch (error) {
    const reason = foreignReason(error);
    const message = error instanceof Error ? error.message : String(error);
    const isForeign = reason !== undefined && !isOfTheSystem(message);
    told.push(isForeign ? `${reason}: ${message}` : message);
    outcome = isForeign
      ? "foreign words"
      : told.some((line) => names(line, file, neighbour))
      ? "refused"
      : "unnamed";
  }
  return { kind, stage: stage.name, file, outcome, said: told.join(" | ") };
}

/** The system's own words for links and folders say what is wrong, behind ours with the path. */
function isOfTheSystem(message: string): boolean {
  return /^Cannot [^:]*"[^"]*".*(symbolic links|Is a directory)/.test(message);
}

function names(line: string, ...files: readonly string[]): boolean {
  return files.some((file) => line.includes(basename(file)));
}
