/**
 * README.md in a run's folder: the sink that writes the card of the model that a finished run
 * leaves.
 */
import { join } from "@std/path";
import { writeFileAtomic } from "../files/disk/atomic.ts";
import { RUN_FILE } from "../files/file_names.ts";
import type { Sink } from "../training/run/sink.ts";
import { modelCard } from "./model_card.ts";

/** Writes the card of a run's model into its folder; a run that was interrupted leaves no model. */
export function cardFile(folder: string): Sink {
  return {
    files: [RUN_FILE.card],
    async end({ interrupted, describe }) {
      if (interrupted) return;
      const card = modelCard(await describe());
      await writeFileAtomic(join(folder, RUN_FILE.card), card);
    },
  };
}
