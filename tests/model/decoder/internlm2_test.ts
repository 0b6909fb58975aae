/**
 * InternLM2 is Llama under other names, with q, k and v of each key head in one matrix. A Llama
 * checkpoint of transformers, its rows put in that order, must give the same logits.
 */
import type { Device } from "../../../kernels/device/device.ts";
import type { Dtype } from "../../../src/files/safetensors/dtype.ts";
import { openModelFolder } from "../../../src/files/folders/model_folder.ts";
import type { TensorReader } from "../../../src/files/safetensors/safetensors.ts";
import { readModelConfig } from "../../../src/model/config/config.ts";
import { loadModel } from "../../../src/model/weights/load.ts";
import { sequenceLogits } from "../../../src/model/decoder/logits.ts";
import { modelTest } from "../model_test_case.ts";
import { assertClose, readReferenceTokens } from "../reference_tokens.ts";

interface Stored {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: Uint8Array<ArrayBuffer>;
}

const NAMES: Readonly<Record<string, string>> = {
  embed_tokens: "tok_embeddings",
  "self_attn.o_proj": "attention.wo",
  "mlp.gate_proj": "feed_forward.w1",
  "mlp.up_proj": "feed_forward.w3",
  "mlp.down_proj": "feed_forward.w2",
  input_layernorm: "attention_norm",
  post_attention_layernorm: "ffn_norm",
  lm_head: "output",
};

const renamed = (name: string) =>
  Object.entries(NAMES).reduce(
    (name, [llama, own]) => name.replace(llama, own),
    name,
  );

/** For each key head the rows of its queries, its own, and those of its values. */
function fuse(
  [q, k, v]: readonly [Stored, Stored, Stored],
  { heads, keyHeads }: { heads: number; keyHeads: number },
): Stored {
  const cols = q.shape[1]!;
  const headBytes = k.data.length / keyHeads;
  const group = heads / keyHeads;
  const rows = (from: Stored, head: number, count: number) => [
    ...from.data.subarray(head * headBytes, (head + count) * headBytes),
  ];
  const data = Uint8Array.from(
    Array.from({ length: keyHeads }, (_, h) => [
      ...rows(q, h * group, group),
      ...rows(k, h, 1),
      ...rows(v, h, 1),
    ]).flat(),
  );
  const shape = [q.shape[0]! + 2 * k.shape[0]!, cols];
  return { dtype: q.dtype, shape, data };
}

function reader(tensors: ReadonlyMap<string, Stored>): TensorReader {
  return {
    files: ["memory"],
    tensors: new Map(
      [...tensors].map(([name, { dtype, shape, data }]) => [
        name,
        { name, dtype, shape, offset: 0, bytes: data.length },
      ]),
    ),
    read: (name) => Promise.resolve(tensors.get(name)!.data),
    async *chunks(name) {
      yield {
        offset: 0,
        bytes: await Promise.resolve(tensors.get(name)!.data),
      };
    },
  };
}

async function checkLogits(device: Device, folder: string): Promise<void> {
  const { config, weights } = await openModelFolder(folder);
  const all = new Map<string, Stored>();
  for (const [name, { dtype, shape }] of weights.tensors) {
    all.set(name, { dtype, shape, data: await weights.read(name) });
  }
  const own = new Map<string, Stored>();
  for (const [name, stored] of all) {
    if (/\.[kv]_proj\./.test(name)) continue;
    if (!name.includes(".q_proj.")) {
      own.set(renamed(name), stored);
      continue;
    }
    const part = (letter: string) => all.get(name.replace("q_proj", letter))!;
    own.set(
      name.replace("self_attn.q_proj", "attention.wqkv"),
      fuse([part("q_proj"), part("k_proj"), part("v_proj")], {
        heads: Number(config["num_attention_heads"]),
        keyHeads: Number(config["num_key_value_heads"]),
      }),
    );
  }
  const { attention_bias: _a, mlp_bias: _m, ...rest } = config;
  const read = readModelConfig({
    ...rest,
    model_type: "internlm2",
    bias: false,
    attn_implementation: "eager",
  });
  const model = await loadModel(device, read, reader(own));
  const want = await readReferenceTokens(`${folder}/ref/io.safetensors`);
  const logits = await want.rows("logits");
  for (const [i, ids] of want.sequences.entries()) {
    const pieces = await Array.fromAsync(sequenceLogits(model, ids));
    const got = pieces.flatMap((piece) => [...piece]);
    assertClose(got, logits[i]!, 1e-4, `logits of sequence ${i}`);
  }
}

await modelTest(
  "internlm2 gives the logits of the llama that it is made of",
  "models/llama-linear",
  checkLogits,
  { kinds: ["cpu", "gpu"] },
);
