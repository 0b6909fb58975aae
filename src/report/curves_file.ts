/** curves.svg in a run's folder: the sink that draws a run at each checkpoint and at its end. */
import { join } from "@std/path";
import { writeFileAtomic } from "../files/disk/atomic.ts";
import { RUN_FILE } from "../files/file_names.ts";
import type { Metrics } from "../training/method/metrics.ts";
import type { Sink } from "../training/run/sink.ts";
import { drawCurves } from "./curves.ts";

/** Draws the curves of a run into its folder. */
export function curvesFile(folder: string): Sink {
  const rows: Metrics[] = [];
  const draw = async () => {
    if (rows.length === 0) return;
    const picture = await drawCurves(rows, { title: folder });
    await writeFileAtomic(join(folder, RUN_FILE.curves), picture);
  };
  return {
    files: [RUN_FILE.curves],
    open: (run) => void rows.push(...run.rows),
    row: (row) => void rows.push(row),
    saved: draw,
    end: draw,
  };
}
