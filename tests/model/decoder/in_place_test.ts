/**
 * A pass that nobody goes back through overwrites its residual stream, and runs several layers of
 * few tokens in one launch: the numbers must be those of one that records, to the bit.
 */
import { assertEquals } from "@std/assert";
import type { Device } from "../../../kernels/device/device.ts";
import { refreshWeight } from "../../../src/autograd/parameter.ts";
import { Tape } from "../../../src/autograd/tape.ts";
import { addAdapter } from "../../../src/model/adapter/adapter.ts";
import {
  type AdapterConfig,
  PLAIN_ADAPTER,
} from "../../../src/model/adapter/adapter_config.ts";
import {
  type DecoderInput,
  hiddenStates,
} from "../../../src/model/decoder/decoder.ts";
import { linears, type Model } from "../../../src/model/decoder/model.ts";
import { startPissa } from "../../../src/model/adapter/pissa.ts";
import { seeded } from "../../kernels/numbers.ts";
import { modelTest, openTestModel } from "../model_test_case.ts";

const ADAPTER: AdapterConfig = {
  r: 3,
  lora_alpha: 6,
  lora_dropout: 0,
  target_modules: "all-linear",
  ...PLAIN_ADAPTER,
};

/** Two sequences of which the last layer is asked for two tokens each. */
const INPUT: DecoderInput = {
  tokens: Uint32Array.of(5, 40, 11, 2, 33, 7, 19),
  positions: Uint32Array.of(0, 1, 2, 3, 0, 1, 2),
  ranges: Uint32Array.from(
    [[0, 1], [0, 2], [0, 3], [0, 4], [4, 5], [4, 6], [4, 7]]
      .flatMap(([from, to]) => [0, 0, from!, to!]),
  ),
  rows: Uint32Array.of(2, 3, 5, 6),
};

/** As few tokens as of answers that grow: layers of one input run in one launch then. */
const FEW: DecoderInput = {
  tokens: Uint32Array.of(5, 40, 11),
  positions: Uint32Array.of(0, 1, 0),
  ranges: Uint32Array.of(0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 2, 3),
};

/** Adapters that change something: `b` begins with zeros. */
function moveAdapters({ device, layers }: Model): void {
  for (const [i, { lora }] of layers.flatMap(linears).entries()) {
    if (!lora) continue;
    const { rows, cols } = lora.b.matrix;
    device.write(lora.b.parameter!.value, seeded(rows * cols, i, 0.3));
    refreshWeight(device, lora.b);
  }
}

async function checkPasses(
  device: Device,
  folder: string,
  how: Partial<AdapterConfig> | undefined,
): Promise<void> {
  const base = await openTestModel(device, folder);
  const model = how ? addAdapter(base, { ...ADAPTER, ...how }, 1) : base;
  if (how?.init_lora_weights === "pissa") await startPissa(model, 1);
  if (how) moveAdapters(model);
  for (const input of [INPUT, FEW]) {
    const recorded = Tape.record(device, () => hiddenStates(model, input));
    const want = await device.read(recorded.value);
    const got = await device.read(hiddenStates(model, input));
    assertEquals(got, want);
  }
}

const CASES: readonly [string, Partial<AdapterConfig> | undefined][] = [
  ["qwen2", undefined], // biases
  ["qwen2", {}],
  ["qwen2", { r: 4, lora_alpha: 8 }],
  ["qwen2", { use_dora: true }],
  ["qwen2", { init_lora_weights: "pissa" }],
  ["glm4", {}], // norms after each part
  ["granite", {}], // a factor for each part
  ["qwen2_moe", undefined], // experts
  ["llama-fp16", {}],
];

for (const [name, how] of CASES) {
  const words = how ? `with adapters ${JSON.stringify(how)}` : "as it is";
  await modelTest(
    `${name} ${words} gives the same numbers in place`,
    `models/${name}`,
    (device, folder) => checkPasses(device, folder, how),
    { kinds: ["cpu", "gpu"] },
  );
}
