import { addNoise } from "../../../src/model/decoder/embedding_noise.ts";
import {
  preferenceBatch,
  sequenceBatch,
} from "../../../src/preference/tokens/batch.ts";
import { embeddingNoiseTwin } from "../../reference/embedding_noise.ts";
import { gpuTest } from "../../kernels/gpu_test_case.ts";
import { assertClose } from "../../kernels/numbers.ts";

const NOISE = { alpha: 5, draws: { seed: 42, stream: 3 } };
const WIDTH = 6;

const answer = (...ids: number[]) => ({ ids, completionStart: 2 });

await gpuTest(
  "addNoise() divides by the root of the longest sequence that a token is of",
  async (device) => {
    const cases = [
      // 1, 2 are the prompt of both; chosen has 5 tokens, rejected 3
      {
        batch: preferenceBatch([{
          chosen: answer(1, 2, 3, 4, 5),
          rejected: answer(1, 2, 6),
          sharedLength: 2,
          line: 1,
        }]),
        lengths: [5, 5, 5, 5, 5, 3],
      },
      {
        batch: sequenceBatch([[1, 2, 3, 4], [5], [6, 7]]),
        lengths: [4, 4, 4, 4, 1, 2, 2],
      },
    ];
    for (const { batch, lengths } of cases) {
      const x = device.zeros([lengths.length, WIDTH]);
      addNoise(device, x, batch, NOISE);
      const twin = embeddingNoiseTwin(
        new Float64Array(lengths.length * WIDTH),
        lengths.map((length) => 5 / Math.sqrt(length * WIDTH)),
        NOISE.draws,
      );
      assertClose(await device.read(x), twin, 2 ** -22);
    }
  },
);
