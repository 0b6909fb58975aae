/** Time of the pass over a vocabulary of 32,768 at Qwen2-0.5B's width, without and with its gradient. */
import { Device } from "../../kernels/device.ts";
import { tokenLogps } from "../../kernels/token_logps.ts";
import { seeded, seededIntegers } from "../kernels/numbers.ts";
import { uploadMatrix } from "../kernels/upload_matrix.ts";

const [TARGETS, VOCABULARY, HIDDEN_SIZE] = [512, 32_768, 896] as const;

const device = await Device.open();
const head = uploadMatrix(
  device,
  seeded(VOCABULARY * HIDDEN_SIZE, 1),
  [VOCABULARY, HIDDEN_SIZE],
);
const hidden = device.upload(
  seeded(TARGETS * HIDDEN_SIZE, 2, 0.1),
  [TARGETS, HIDDEN_SIZE],
);
const targetTokens = device.upload(
  seededIntegers(TARGETS, 3, VOCABULARY),
  [TARGETS],
  "u32",
);

for (const gradient of [false, true]) {
  Deno.bench({
    name: `tokenLogps() of ${TARGETS} x ${VOCABULARY} x ${HIDDEN_SIZE}, ${
      gradient ? "with" : "without"
    } gradient`,
    n: 5,
    warmup: 1,
    async fn() {
      using _scope = device.scope();
      const options = { gradient };
      const made = tokenLogps(device, hidden, head, targetTokens, options);
      await device.read(made.dHidden ?? made.logps);
    },
  });
}
