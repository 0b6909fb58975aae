/**
 * A run's folder: options.json, metrics.jsonl, curves.svg, checkpoints and the trained model. Rows of steps that a
 * resumed run takes again are cut off first. Knows no device.
 */
import { join } from "@std/path";
import { formatJsonLine, parseJsonLines } from "../../base/json_lines.ts";
import { writeFileAtomic } from "../../files/disk/atomic.ts";
import {
  type CheckpointFolder,
  listCheckpoints,
} from "../../files/folders/checkpoints.ts";
import type { Metrics } from "../method/metrics.ts";
import { RUN_FILE } from "../../files/file_names.ts";

/** Draws a run's curves as SVG. */
export type DrawCurves = (
  rows: readonly Metrics[],
  options: { readonly title: string },
) => Promise<string>;

/** The metrics of a run, on disk and in memory. */
export interface MetricsLog {
  readonly rows: readonly Metrics[];
  append(row: Metrics): Promise<void>;
  /** Writes curves.svg from all rows so far. */
  draw(draw: DrawCurves, title: string): Promise<void>;
}

/** Opens metrics.jsonl, keeping the rows of the first `steps` steps. */
export async function openMetricsLog(
  folder: string,
  steps: number,
): Promise<MetricsLog> {
  const path = join(folder, RUN_FILE.metrics);
  const rows = steps === 0 ? [] : await readRows(path, steps);
  await writeFileAtomic(path, rows.map(formatJsonLine).join(""));
  return {
    rows,
    async append(row) {
      rows.push(row);
      await Deno.writeTextFile(path, formatJsonLine(row), { append: true });
    },
    async draw(draw, title) {
      if (rows.length === 0) return;
      await writeFileAtomic(
        join(folder, RUN_FILE.curves),
        await draw(rows, { title }),
      );
    },
  };
}

async function readRows(path: string, steps: number): Promise<Metrics[]> {
  try {
    const lines = [
      ...parseJsonLines(await Deno.readTextFile(path), {
        source: path,
        allowTorn: true,
      }),
    ];
    return lines.map(({ value }) => value as Metrics)
      .filter((row) => (row["step"] ?? Infinity) <= steps);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/**
 * The checkpoint to go on from: the one named, or the run's last.
 *
 * @throws {Deno.errors.NotFound} if there is none
 */
export async function findCheckpoint(
  folder: string,
  wanted: boolean | string,
): Promise<string | undefined> {
  if (wanted === false) return undefined;
  if (typeof wanted === "string") return wanted;
  const last: CheckpointFolder | undefined = (await listCheckpoints(folder)).at(
    -1,
  );
  if (last) return last.path;
  throw new Deno.errors.NotFound(
    `Cannot resume "${folder}": it has no checkpoint-<step> folder; start without resume_from_checkpoint`,
  );
}
