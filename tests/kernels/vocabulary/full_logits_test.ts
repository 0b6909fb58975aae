import { assertThrows } from "@std/assert";
import { fullLogits } from "../../../kernels/vocabulary/full_logits.ts";
import { uploadMatrix } from "../upload_matrix.ts";
import { tokenLogpsReference } from "../../reference/token_logps.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded } from "../numbers.ts";

for (
  const [rows, vocabulary, options] of [
    [1, 7, {}],
    [2, 600, { softcap: 6 }],
    [33, 257, { logitScale: 0.5 }],
  ] as const
) {
  await gpuTest(
    `fullLogits() makes [${rows}, ${vocabulary}] with ${
      JSON.stringify(options)
    }`,
    async (device) => {
      const hiddenSize = 24;
      const hidden = seeded(rows * hiddenSize, 1, 3);
      const head = seeded(vocabulary * hiddenSize, 2);
      const bias = seeded(vocabulary, 3);
      const problem = {
        hidden,
        head,
        bias,
        vocabulary,
        hiddenSize,
        targetTokens: new Uint32Array(rows),
        ...options,
      };
      const logits = fullLogits(
        device,
        device.upload(hidden, [rows, hiddenSize]),
        uploadMatrix(device, head, [vocabulary, hiddenSize]),
        { ...options, bias: device.upload(bias, [vocabulary]) },
      );
      const want = tokenLogpsReference(problem).flatMap((row) => row.logits);
      assertClose(await device.read(logits), want, 2e-6);
    },
  );
}

await gpuTest(
  "fullLogits() refuses more than one binding holds",
  (device) => {
    const head = uploadMatrix(device, seeded(2048 * 4, 1), [2048, 4]);
    assertThrows(
      () => fullLogits(device, device.zeros([20, 4]), head),
      RangeError,
      "Cannot make logits [20, 2048]: 163840 bytes, expected at most 131072",
    );
    return Promise.resolve();
  },
  { kinds: ["gpu"], windowBytes: 131_072 },
);
