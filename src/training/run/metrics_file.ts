/**
 * metrics.jsonl, a run's first sink: a line for each row, on the disk before the next step is
 * taken. A resumed run goes on from its rows. Knows no device.
 */
import { join } from "@std/path";
import { tell } from "../../base/notes.ts";
import { formatJsonLine, parseJsonLines } from "../../base/json_lines.ts";
import { writeFileAtomic } from "../../files/disk/atomic.ts";
import { startHash } from "../../files/disk/hash.ts";
import {
  appendText,
  readTextIfThere,
  sizeIfThere,
} from "../../files/disk/whole_file.ts";
import { disk } from "../../files/disk.ts";
import { isJsonObject, jsonKind } from "../../files/disk/json_file.ts";
import { RUN_FILE } from "../../files/file_names.ts";
import type { Metrics } from "../method/metrics.ts";
import type { Sink } from "./sink.ts";

const pathIn = (folder: string) => join(folder, RUN_FILE.metrics);

/**
 * Writes the rows of a run into its folder. A file that somebody changed or removed meanwhile is
 * written anew, which is told.
 */
export function metricsFile(folder: string): Sink {
  const path = pathIn(folder);
  const lines: string[] = [];
  let bytes = 0;
  const add = (row: Metrics): string => {
    const line = formatJsonLine(finite(row));
    lines.push(line);
    bytes += new TextEncoder().encode(line).length;
    return line;
  };
  return {
    files: [RUN_FILE.metrics],
    async open({ rows }) {
      lines.length = 0;
      bytes = 0;
      rows.forEach(add);
      await writeFileAtomic(path, lines.join(""));
    },
    async row(row) {
      const before = bytes;
      const line = add(row);
      const isOurs = await sizeIfThere(path) === before &&
        !await disk().isLink?.(path);
      if (isOurs) return await appendText(path, line);
      tell(
        `"${path}" was changed or removed while the run wrote it: it is written anew`,
      );
      await writeFileAtomic(path, lines.join(""));
    },
  };
}

/** A hash of rows as the file holds them, which grows as they come. */
export class MetricsHash {
  readonly #hash = startHash("sha256");

  constructor(rows: readonly Metrics[] = []) {
    for (const row of rows) this.add(row);
  }

  add(row: Metrics): void {
    this.#hash.update(formatJsonLine(finite(row)));
  }

  /** Of the rows so far, in hexadecimal. */
  get digest(): string {
    return this.#hash.copy().digest("hex");
  }
}

/**
 * Tells that rows are not those that a checkpoint was written after.
 *
 * @param wanted their hash; undefined if the checkpoint has none
 */
export function tellChangedRows(
  folder: string,
  rows: readonly Metrics[],
  { wanted, steps }: {
    readonly wanted: string | undefined;
    readonly steps: number;
  },
): void {
  const differs = wanted !== undefined &&
    new MetricsHash(rows).digest !== wanted;
  if (!differs) return;
  tell(
    `"${
      pathIn(folder)
    }" does not have the rows that were written for the first ${steps} steps; those that it has are kept, and no step depends on them`,
  );
}

/** The rows of a run's first `steps` steps, as its metrics.jsonl has them. */
export async function readMetrics(
  folder: string,
  steps: number,
): Promise<Metrics[]> {
  if (steps === 0) return [];
  const source = pathIn(folder);
  const text = await readTextIfThere(source) ?? "";
  return [...parseJsonLines(text, { source, allowTorn: true })]
    .map(({ value, line }) => {
      if (isRow(value)) return numbersOf(value);
      throw new TypeError(
        `Cannot read "${source}" line ${line}: found ${
          jsonKind(value)
        }, expected an object of numbers; remove the line, or begin anew with overwrite_output_dir`,
      );
    })
    .filter((row) => (row["step"] ?? Infinity) <= steps);
}

/** A row as JSON can hold it: null stands for a number that is not finite. */
function finite(row: Metrics): Record<string, number | null> {
  return Object.fromEntries(
    Object.entries(row).map((
      [name, value],
    ) => [name, Number.isFinite(value) ? value : null]),
  );
}

function isRow(value: unknown): value is Record<string, number | null> {
  return isJsonObject(value) &&
    Object.values(value).every((one) =>
      one === null || typeof one === "number"
    );
}

function numbersOf(row: Readonly<Record<string, number | null>>): Metrics {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value ?? NaN]),
  );
}
