/** What a checkpoint says of itself: its state, what is good, and its manifest. */
import { useDisk } from "../../../src/files/disk.ts";
import {
  manifestFaults,
  manifestJson,
  readManifest,
} from "../../../src/files/folders/manifest.ts";
import {
  readState,
  stateFiles,
} from "../../../src/training/checkpoint/trainer_state.ts";
import { FRESH } from "../../../src/training/loop/trainer.ts";
import { memoryDisk } from "../../files/memory_disk.ts";
import type { Chance } from "../chance.ts";
import { type DrawInput, hold } from "../fuzz_target.ts";
import { mutateObject } from "../mutate_json.ts";
import { mutateBytes } from "../mutate_text.ts";
import { asLine } from "../project_files.ts";

const STEP = 8;
const FOLDER = `/checkpoint-${STEP}`;
const STATE = {
  ...FRESH,
  step: STEP,
  meter: {
    tokens: 3,
    sums: { a: 1, b: null },
    counts: { a: 1, b: 1 },
    steps: 1,
    lossSum: 0.5,
    last: { loss: 0.5, grad_norm: 1, learning_rate: 0 },
  },
  best: {
    best_metric: 0.5,
    best_global_step: 4,
    early_stopping_patience_counter: 1,
  },
  good: {
    first_loss: 0.7,
    is_sound: true,
    saved: 8,
    proven: 4,
    untried: 8,
  },
} as unknown as typeof FRESH;
const MANIFEST = manifestJson({
  run: "a",
  step: STEP,
  files: { "x.json": { size: 2, sha256: "0".repeat(64) } },
}) as Record<string, unknown>;

/** The target. */
export function checkpoint(): Promise<DrawInput> {
  const disk = memoryDisk();
  useDisk(disk);
  const bytesOf = (json: unknown) =>
    new TextEncoder().encode(JSON.stringify(json));
  return Promise.resolve((chance: Chance) => {
    const parts = [
      ...stateFiles(STATE),
      { file: "manifest.json", json: MANIFEST },
    ];
    const changed = chance.pick(parts);
    const files = parts.map(({ file, json }) => {
      const whole = json as Record<string, unknown>;
      if (file !== changed.file) return { file, bytes: bytesOf(whole) };
      return chance.oneIn(4)
        ? { file, bytes: mutateBytes(chance, bytesOf(whole)) }
        : { file, bytes: bytesOf(mutateObject(chance, whole)) };
    });
    return {
      words: `a changed ${changed.file}`,
      async run() {
        for (const { file, bytes } of files) {
          disk.put(`${FOLDER}/${file}`, bytes);
        }
        const manifest = await readManifest(`${FOLDER}/manifest.json`);
        await manifestFaults(FOLDER, manifest);
        const { step, good, guard } = await readState(FOLDER);
        hold(step === STEP, () => `step ${step} of ${FOLDER} is accepted`);
        const numbers = [good.saved, good.proven, good.untried, guard.inARow];
        hold(
          numbers.every((n) => n === null || Number.isSafeInteger(n) && n >= 0),
          () => `steps ${numbers} are accepted`,
        );
      },
      show: () => asLine(JSON.stringify(files.map(({ bytes }) => [...bytes]))),
    };
  });
}
