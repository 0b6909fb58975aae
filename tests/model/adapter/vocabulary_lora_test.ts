/**
 * Adapters with LoRA on embedding and head: PEFT 0.21's log-probabilities with and without them,
 * and the same after a merge. The fixtures are PEFT's own files, with its numbers for every seventh
 * token.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { fromFileUrl } from "@std/path";
import type { Device } from "../../../kernels/device/device.ts";
import { openNamedAdapter } from "../../../src/files/folders/tuned_folder.ts";
import { addAdapter, loadAdapter } from "../../../src/model/adapter/adapter.ts";
import {
  PLAIN_ADAPTER,
  readAdapterConfig,
} from "../../../src/model/adapter/adapter_config.ts";
import { sequenceLogits } from "../../../src/model/decoder/logits.ts";
import type { Model } from "../../../src/model/decoder/model.ts";
import {
  openModel,
  putAdapter,
} from "../../../src/model/opening/open_model.ts";
import { mergeAdapter } from "../../../src/model/saving/merge.ts";
import { fixturePath } from "../../fixture_path.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { modelTest } from "../model_test_case.ts";
import { assertClose } from "../reference_tokens.ts";

const FIXTURES = fromFileUrl(
  new URL("../../fixtures/peft_vocabulary", import.meta.url),
);
const access = {
  read: [FIXTURES, fixturePath("models"), TEMPORARY],
  write: [TEMPORARY],
};

interface Expected {
  readonly base_model: string;
  readonly ids: readonly number[];
  /** For each token the log-probabilities of tokens 0, 7, 14, ... */
  readonly logps: readonly (readonly number[])[];
  readonly base_logps: readonly (readonly number[])[];
}

async function readExpected(name: string): Promise<Expected> {
  return JSON.parse(
    await Deno.readTextFile(`${FIXTURES}/${name}/expected.json`),
  );
}

async function logpsOf(
  model: Model,
  ids: readonly number[],
  adapters: boolean,
): Promise<number[]> {
  const pieces = await Array.fromAsync(
    sequenceLogits(model, ids, { adapters }),
  );
  const logits = pieces.flatMap((piece) => [...piece]);
  const size = model.config.vocab_size;
  return ids.flatMap((_, at) => {
    const row = logits.slice(at * size, (at + 1) * size);
    const sum = Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
    return row.map((x) => x - sum).filter((_, id) => id % 7 === 0);
  });
}

async function check(device: Device, name: string): Promise<void> {
  using _scope = device.scope();
  const { base_model, ids, logps, base_logps } = await readExpected(name);
  const base = fixturePath(`models/${base_model}`);
  const { model } = await openModel(device, base);
  const adapted = await putAdapter(model, `${FIXTURES}/${name}`);
  const on = await logpsOf(adapted, ids, true);
  assertClose(on, logps.flat(), 1e-4, name);
  const off = await logpsOf(adapted, ids, false);
  assertClose(off, base_logps.flat(), 1e-4, `${name} without`);
  const moved = on.some((x, i) => Math.abs(x - off[i]!) > 0.01);
  assert(moved, `${name} changes nothing`);
  await using folder = await temporaryFolder();
  await mergeAdapter(device, {
    model_name_or_path: base,
    adapter_name_or_path: `${FIXTURES}/${name}`,
    output_dir: folder.file("merged"),
    overwrite_output_dir: false,
  });
  const merged = await openModel(device, folder.file("merged"));
  const got = await logpsOf(merged.model, ids, true);
  // merged weights are rounded to the base's type, bfloat16
  assertClose(got, logps.flat(), 3e-2, `${name} merged`);
}

await modelTest(
  "loadAdapter() and mergeAdapter() give PEFT's numbers with LoRA on embedding and head",
  "models/gemma",
  async (device) => {
    const names = await Array.fromAsync(
      Deno.readDir(FIXTURES),
      ({ name }) => name,
    );
    assertEquals(names.length, 9);
    for (const name of names) await check(device, name);
  },
  access,
);

await modelTest(
  "LoRA on embedding or head is refused by name where it would be trained",
  "models/gemma",
  async (device, gemma) => {
    const { model } = await openModel(device, gemma);
    const { config, weights } = await openNamedAdapter(`${FIXTURES}/both`);
    await assertRejects(
      () =>
        loadAdapter(model, readAdapterConfig(config), weights, {
          trained: true,
        }),
      TypeError,
      'Cannot train LoRA on "model.embed_tokens", "lm_head": embedding and head are trained as a whole only, name them in lora_modules_to_save',
    );
    const fresh = {
      ...PLAIN_ADAPTER,
      r: 2,
      lora_alpha: 2,
      lora_dropout: 0,
      target_modules: ["q_proj", "lm_head"],
    };
    await assertRejects(
      // deno-lint-ignore require-await
      async () => addAdapter(model, fresh, 0),
      TypeError,
      'Cannot train LoRA on "lm_head"',
    );
    await assertRejects(
      () =>
        loadAdapter(
          model,
          { ...readAdapterConfig(config), use_dora: true },
          weights,
        ),
      TypeError,
      `DoRA's magnitudes on "model.embed_tokens", expected them on linear layers only`,
    );
  },
  access,
);
