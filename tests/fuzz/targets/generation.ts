/** generation_config.json of models from strangers, and the tokens chosen by it. */
import { leftOut } from "../../../src/generation/generation_keys.ts";
import {
  createProcessedSampler,
  processingOf,
} from "../../../src/generation/processed_sampler.ts";
import {
  fillSampling,
  lengthDefaults,
} from "../../../src/generation/sampling_defaults.ts";
import type { Chance } from "../chance.ts";
import { type DrawInput, hold } from "../fuzz_target.ts";
import { mutateObject } from "../mutate_json.ts";
import { asLine, projectText } from "../project_files.ts";

const VOCABULARY = 12;
const UNSET = { temperature: null, top_k: null, top_p: null };

/** Logits of a device, some of which no model gives. */
function drawLogits(chance: Chance): Float32Array {
  const odd = chance.oneIn(8) ? [-Infinity, 1e30, -1e30] : [];
  return Float32Array.from(
    { length: VOCABULARY },
    () => chance.pick([...odd, chance.between(-900, 900) / 100]),
  );
}

/** The target. */
export function generation(): Promise<DrawInput> {
  const all: Record<string, unknown> = JSON.parse(
    projectText("tests/fixtures/generation_config_keys.json"),
  );
  const keys = Object.keys(all);
  return Promise.resolve((chance) => {
    // a file with all keys would refuse most inputs for the same few
    const chosen = keys.filter(() => chance.oneIn(6));
    const some = Object.fromEntries(chosen.map((key) => [key, all[key]]));
    const config = mutateObject(chance, { do_sample: true, ...some });
    const rows = [0, 1, 2, 3].map(() => drawLogits(chance));
    return {
      words: "a changed generation_config.json",
      run() {
        leftOut(config);
        const lengths = Object.values(lengthDefaults(config));
        hold(
          lengths.every((n) => n === undefined || Number.isInteger(n) && n > 0),
          () => `lengths ${lengths} are accepted`,
        );
        const ids = [1, 2, 3, 2];
        const choose = createProcessedSampler(
          fillSampling(UNSET, config),
          7,
          processingOf(config),
          {
            ids,
            promptLength: ids.length,
            maxNewTokens: rows.length,
            stopIds: new Set([0]),
          },
        );
        for (const logits of rows) {
          const token = choose(logits);
          hold(
            Number.isInteger(token) && token >= 0 && token < VOCABULARY,
            () => `token ${token} is chosen`,
          );
          ids.push(token);
        }
      },
      show: () => asLine(JSON.stringify(config)),
    };
  });
}
