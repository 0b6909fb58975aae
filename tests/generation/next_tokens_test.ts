/** Tokens drawn by the device's probabilities are those that the sampler draws by the logits. */
import { assert, assertEquals } from "@std/assert";
import type { Device } from "../../kernels/device/device.ts";
import { generateAll } from "../../src/generation/generate.ts";
import {
  createSampler,
  type Sampler,
  type Sampling,
} from "../../src/generation/sampler.ts";
import { modelTest, openTestModel } from "../model/model_test_case.ts";

const SAMPLINGS: readonly Sampling[] = [
  { temperature: 1, top_k: 0, top_p: 1 },
  { temperature: 0.3, top_k: 0, top_p: 0.9 },
  { temperature: 1.5, top_k: 7, top_p: 1 },
  { temperature: 0.8, top_k: 40, top_p: 0.95 },
];

/** The sampler, and how often it asked for the logits. */
function counted(sampler: Sampler) {
  const { drawing } = sampler;
  assert(drawing);
  const calls = { drawn: 0, byLogits: 0 };
  const counting: Sampler = Object.assign(
    (logits: Float32Array) => sampler(logits),
    {
      drawing: {
        ...drawing,
        draw: (p: Float32Array, logits: () => Promise<Float32Array>) => {
          calls.drawn++;
          return drawing.draw(p, () => (calls.byLogits++, logits()));
        },
      },
    },
  );
  return { counting, calls };
}

await modelTest(
  "generateAll() draws by the device's softmax what the sampler draws by the logits",
  "models/qwen2",
  async (device: Device, folder) => {
    const model = await openTestModel(device, folder);
    const run = (samplers: readonly Sampler[]) =>
      generateAll(
        model,
        samplers.map((sampler, i) => ({
          promptIds: [5, 17, 29, 3].slice(i),
          sampler,
          maxNewTokens: 12,
        })),
      );
    for (const sampling of SAMPLINGS) {
      const seeds = [1, 2, 3];
      const made = seeds.map((seed) => counted(createSampler(sampling, seed)));
      const byProbabilities = await run(made.map(({ counting }) => counting));
      const byLogits = await run(seeds.map((seed) => {
        const sampler = createSampler(sampling, seed);
        return (logits) => sampler(logits);
      }));
      assertEquals(byProbabilities, byLogits);
      const drawn = made.reduce((sum, { calls }) => sum + calls.drawn, 0);
      const asked = made.reduce((sum, { calls }) => sum + calls.byLogits, 0);
      assertEquals(drawn, 36);
      assert(asked < 6, `${asked} of ${drawn} tokens needed the logits`);
    }
  },
  { kinds: ["cpu", "gpu"] },
);

await modelTest(
  "generateAll() serves samplers of different temperatures by the logits",
  "models/qwen2",
  async (device, folder) => {
    const model = await openTestModel(device, folder);
    const ask = (temperature: number) => ({
      promptIds: [5, 17],
      sampler: createSampler({ temperature, top_k: 0, top_p: 1 }, 9),
      maxNewTokens: 6,
    });
    const temperatures = [0.5, 0, 1.5];
    const together = await generateAll(model, temperatures.map(ask));
    for (const [i, temperature] of temperatures.entries()) {
      const [alone] = await generateAll(model, [ask(temperature)]);
      assertEquals(together[i], alone);
    }
  },
);
