/** The pass over a vocabulary of 32,768 at Qwen2-0.5B's width, without and with its gradient. */
import { tokenLogps } from "../../kernels/vocabulary/token_logps.ts";
import { seeded, seededIntegers } from "../kernels/numbers.ts";
import { benchKernel, device } from "./bench_kernel.ts";
import { drawnMatrix } from "./drawn_matrix.ts";

const [TARGETS, VOCABULARY, HIDDEN_SIZE] = [256, 32_768, 896] as const;

const prepare = () => ({
  head: drawnMatrix(device, VOCABULARY, HIDDEN_SIZE, "bf16"),
  hidden: device.upload(
    seeded(TARGETS * HIDDEN_SIZE, 2, 0.1),
    [TARGETS, HIDDEN_SIZE],
  ),
  targetTokens: device.upload(
    seededIntegers(TARGETS, 3, VOCABULARY),
    [TARGETS],
    "u32",
  ),
});

for (const gradient of [false, true]) {
  // logits, and the mean of the weights
  const products = gradient ? 2 : 1;
  benchKernel(
    `tokenLogps ${TARGETS} x ${VOCABULARY}${gradient ? " + gradient" : ""}`,
    {
      operations: products * 2 * TARGETS * VOCABULARY * HIDDEN_SIZE,
      bytes: products * (2 * VOCABULARY + 4 * TARGETS) * HIDDEN_SIZE,
    },
    prepare,
    ({ head, hidden, targetTokens }) =>
      tokenLogps(device, hidden, head, targetTokens, { gradient }),
  );
}
