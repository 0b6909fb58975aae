/**
 * Generation with a cache: against transformers' own greedy tokens, against logits without a cache,
 * and how it ends.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Device } from "../../kernels/device/device.ts";
import { generate, generateAll } from "../../src/generation/generate.ts";
import {
  createSampler,
  GREEDY,
  likeliest,
  type Sampler,
} from "../../src/generation/sampler.ts";
import { createKvCache } from "../../src/model/decoder/kv_cache.ts";
import type { Norm } from "../../src/model/decoder/model.ts";
import { nextLogits, sequenceLogits } from "../../src/model/decoder/logits.ts";
import { modelTest, openTestModel } from "../model/model_test_case.ts";
import { compared, referenceEntries } from "../reference_dir.ts";
import { referenceGpuTest } from "../reference_gpu_test_case.ts";
import { eachCase, onRealData } from "../reference_test_case.ts";

/** Below such a gap between the two largest logits, rounding may choose the other token. */
const LEAST_GAP = 1e-4;

interface Generation {
  readonly prompt_ids: readonly number[];
  readonly new_ids: readonly number[];
  readonly top2_logit_gaps: readonly number[];
}

function readJson<T>(path: string): T {
  return JSON.parse(Deno.readTextFileSync(path)) as T;
}

async function checkReference(device: Device, folder: string): Promise<void> {
  const model = await openTestModel(device, folder);
  const { generations } = readJson<{ generations: Generation[] }>(
    `${folder}/ref/ref.json`,
  );
  const { eos_token_id } = readJson<{ eos_token_id: number | number[] }>(
    `${folder}/generation_config.json`,
  );
  assert(generations.length > 0);
  for (const { prompt_ids, new_ids, top2_logit_gaps } of generations) {
    const { ids, endId } = await generate(model, prompt_ids, {
      maxNewTokens: new_ids.length,
      sampler: createSampler(GREEDY),
      stopIds: new Set([eos_token_id].flat()),
    });
    const close = top2_logit_gaps.findIndex((gap) => gap < LEAST_GAP);
    const sure = close < 0 ? new_ids.length : close;
    const got = endId === undefined ? ids : [...ids, endId];
    assertEquals(got.slice(0, sure), new_ids.slice(0, sure));
  }
  compared("model runs");
}

await referenceGpuTest(
  "generate() makes the tokens of transformers",
  (device, context) =>
    eachCase(
      context,
      referenceEntries("models"),
      ({ folder }) => checkReference(device, folder),
      device,
    ),
);

await referenceGpuTest(
  "generate() tells the story of a real model",
  (device, context) =>
    onRealData(context, "stories260k-hf", async (folder) => {
      const model = await openTestModel(device, folder);
      const { prompt_ids, greedy_ids } = readJson<
        { prompt_ids: number[]; greedy_ids: number[] }
      >(`${folder}/expected.json`);
      assert(greedy_ids.length > prompt_ids.length);
      const { ids } = await generate(model, prompt_ids, {
        maxNewTokens: greedy_ids.length - prompt_ids.length,
        sampler: createSampler(GREEDY),
      });
      assertEquals([...prompt_ids, ...ids], greedy_ids);
      compared("model runs");
    }),
  { kinds: ["cpu"] },
);

const QWEN2 = "models/qwen2";
const PROMPT = [266, 269, 271, 47, 467, 68, 384];

await modelTest(
  "nextLogits() with a cache equals sequenceLogits() without one",
  QWEN2,
  async (device, folder) => {
    const model = await openTestModel(device, folder);
    const vocab = model.config.vocab_size;
    const whole: number[] = [];
    for await (const piece of sequenceLogits(model, PROMPT)) {
      whole.push(...piece);
    }
    assertEquals(whole.length, PROMPT.length * vocab);
    const cache = createKvCache(model, PROMPT.length);
    // three at once, then one by one
    for (
      const [from, to] of [[0, 3], [3, 4], [4, 5], [5, 6], [6, 7]] as const
    ) {
      const tokens = PROMPT.slice(from, to);
      const [got] = await nextLogits(model, cache, [{ sequence: 0, tokens }]);
      for (const [i, value] of got!.entries()) {
        const want = whole[(to - 1) * vocab + i]!;
        assert(
          Math.abs(value - want) <= 2e-5,
          `token ${to - 1}, logit ${i}: ${value}, expected ${want}`,
        );
      }
    }
  },
  { kinds: ["cpu", "gpu"] },
);

await modelTest(
  "nextLogits() runs a long prompt in parts and gives the last token's logits",
  QWEN2,
  async (device, folder) => {
    const model = await openTestModel(device, folder);
    const room = model.config.max_position_embeddings;
    assert(room > 300, `${room} positions`);
    const long = Array.from({ length: 300 }, (_, i) => (i * 37) % 590);
    const cache = createKvCache(model, long.length);
    const [got] = await nextLogits(model, cache, [{
      sequence: 0,
      tokens: long,
    }]);
    assertEquals(cache.lengths, [300]);
    let last: Float32Array = new Float32Array();
    for await (const piece of sequenceLogits(model, long)) last = piece;
    const want = last.subarray(last.length - model.config.vocab_size);
    for (const [i, value] of got!.entries()) {
      assert(Math.abs(value - want[i]!) <= 1e-4, `logit ${i} is ${value}`);
    }
  },
);

await modelTest(
  "generate() repeats its draws with the same seed",
  QWEN2,
  async (device, folder) => {
    const model = await openTestModel(device, folder);
    const drawn = async (seed: number) => {
      const sampler = createSampler(
        { temperature: 1, top_k: 0, top_p: 0.9 },
        seed,
      );
      const { ids } = await generate(model, PROMPT, {
        maxNewTokens: 12,
        sampler,
      });
      return ids.join();
    };
    assertEquals(await drawn(5), await drawn(5));
    assert(await drawn(5) !== await drawn(6));
  },
);

await modelTest(
  "generate() ends at an end token and tells all before it",
  QWEN2,
  async (device, folder) => {
    const model = await openTestModel(device, folder);
    const script = [4, 9, 2, 7];
    const said: number[] = [];
    const result = await generate(model, PROMPT, {
      maxNewTokens: 10,
      sampler: () => script[said.length]!,
      stopIds: new Set([2]),
      onToken: (id) => said.push(id),
    });
    assertEquals(result, { ids: [4, 9], endId: 2 });
    assertEquals(said, [4, 9]);
  },
);

await modelTest(
  "generate() refuses what does not fit, gives its memory back and stops by signal",
  QWEN2,
  async (device, folder) => {
    const model = await openTestModel(device, folder);
    const options = { maxNewTokens: 4, sampler: createSampler(GREEDY) };
    const drawn = createSampler({ temperature: 1, top_k: 3, top_p: 1 });
    const most = model.config.max_position_embeddings;
    await assertRejects(
      () => generate(model, PROMPT, { ...options, maxNewTokens: most }),
      RangeError,
      `max_position_embeddings ${most}`,
    );
    await assertRejects(
      () => generate(model, [600], options),
      RangeError,
      "token 600",
    );
    await assertRejects(() => generate(model, [], options), RangeError);
    const twice = async () => {
      await generate(model, PROMPT, options);
      await generate(model, PROMPT, { ...options, sampler: drawn });
    };
    await twice();
    const { allocatedBytes } = device.memory;
    for (let i = 0; i < 3; i++) await twice();
    assertEquals(device.memory.allocatedBytes, allocatedBytes);
    const stop = new AbortController();
    await assertRejects(
      () =>
        generate(model, PROMPT, {
          ...options,
          signal: stop.signal,
          onToken: () => stop.abort(new RangeError("enough")),
        }),
      RangeError,
      "enough",
    );
  },
);

await modelTest(
  "generateAll() gives each prompt what it gets alone",
  QWEN2,
  async (device, folder) => {
    const model = await openTestModel(device, folder);
    const prompts = [PROMPT, PROMPT.slice(0, 2), [...PROMPT, ...PROMPT], [7]];
    const sampler = createSampler(GREEDY);
    const asked = prompts.map((promptIds, i) => ({
      promptIds,
      sampler,
      maxNewTokens: 12 - 2 * i,
      stopIds: new Set([599]),
    }));
    const together = await generateAll(model, asked);
    for (const [i, { promptIds, ...one }] of asked.entries()) {
      const alone = await generate(model, promptIds, one);
      assertEquals(together[i], alone);
    }
  },
  { kinds: ["cpu", "gpu"] },
);

await modelTest(
  "generateAll() finds the likeliest tokens on the device as on the CPU, also past an end",
  QWEN2,
  async (device, folder) => {
    const model = await openTestModel(device, folder);
    const run = async (sampler: Sampler, stopIds: ReadonlySet<number>) => {
      const told: number[] = [];
      const made = await generateAll(
        model,
        [PROMPT, PROMPT.slice(0, 2), [7]].map((promptIds, i) => ({
          promptIds,
          sampler,
          stopIds,
          maxNewTokens: 9 + 4 * i,
          onToken: (id: number) => told.push(id),
        })),
      );
      return { made, told };
    };
    const onCpu: Sampler = (logits) => likeliest(logits);
    const whole = await run(likeliest, new Set());
    assertEquals(whole, await run(onCpu, new Set()));
    // ends one answer while the others go on
    const stopIds = new Set([whole.made[2]!.ids[3]!]);
    const stopped = await run(likeliest, stopIds);
    assertEquals(stopped, await run(onCpu, stopIds));
    assert(stopped.made.some(({ endId }) => endId !== undefined));
    assert(stopped.made.some(({ ids }) => ids.length > 3));
  },
  { kinds: ["cpu", "gpu"] },
);

await modelTest(
  "generate() refuses a model whose logits are not numbers",
  QWEN2,
  async (device, folder) => {
    const model = await openTestModel(device, folder);
    const { tensor } = model.norm as Norm;
    const options = { maxNewTokens: 4, stopIds: new Set<number>() };
    let told = 0;
    await assertRejects(
      () =>
        generate(model, PROMPT, {
          ...options,
          sampler: likeliest,
          onToken: () => {
            // from the second token on
            if (told++ === 0) {
              device.write(tensor, new Float32Array([NaN]));
            }
          },
        }),
      RangeError,
      "Cannot choose a token",
    );
    assertEquals(told, 1);
  },
);
