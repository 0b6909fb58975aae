import { assertEquals } from "@std/assert";
import {
  type GgufFileType,
  tensorType,
} from "../../../src/model/gguf/gguf_file_types.ts";
import { test } from "../../test_case.ts";

const MODEL = { layers: 24, heads: 14, keyHeads: 2, isTied: true };
const typeOf = (
  name: string,
  fileType: GgufFileType,
  { cols = 1024, ...model }: Partial<typeof MODEL> & { cols?: number } = {},
) =>
  tensorType(`${name}.weight`, [8, cols], fileType, { ...MODEL, ...model })
    .type;

test(
  "tensorType() gives the first and last eighth of layers and every third more bits",
  { permissions: "none" },
  () => {
    const more = Array.from({ length: 24 }, (_, i) => i).filter((i) =>
      typeOf(`blk.${i}.ffn_down`, "Q4_K_M") === "Q6_K"
    );
    assertEquals(more, [0, 1, 2, 5, 8, 11, 14, 17, 20, 21, 22, 23]);
    assertEquals(typeOf("blk.3.ffn_down", "Q4_K_M"), "Q4_K");
    assertEquals(typeOf("blk.5.attn_v", "Q5_K_M"), "Q6_K");
    assertEquals(typeOf("blk.3.attn_v", "Q5_K_M"), "Q5_K");
    assertEquals(typeOf("blk.5.attn_q", "Q4_K_M"), "Q4_K");
    assertEquals(typeOf("blk.5.attn_qkv", "Q4_K_M"), "Q5_K");
    assertEquals(typeOf("blk.5.attn_qkv", "Q5_K_M"), "Q6_K");
    assertEquals(typeOf("blk.20.attn_v", "Q4_K_M", { layers: 80 }), "Q5_K");
  },
);

test(
  "tensorType() keeps what makes the logits more exact",
  { permissions: "none" },
  () => {
    assertEquals(typeOf("token_embd", "Q4_K_M"), "Q6_K");
    assertEquals(typeOf("token_embd", "Q4_K_M", { isTied: false }), "Q4_K");
    assertEquals(typeOf("output", "Q5_K_M", { isTied: false }), "Q6_K");
    assertEquals(typeOf("token_embd", "Q4_0"), "Q8_0");
    assertEquals(typeOf("output", "F16", { isTied: false }), "F16");
  },
);

test(
  "tensorType() takes smaller blocks where rows are no multiple of 256, and float16 beyond",
  { permissions: "none" },
  () => {
    assertEquals(typeOf("blk.3.attn_q", "Q4_K_M", { cols: 896 }), "Q5_0");
    assertEquals(typeOf("blk.3.attn_q", "Q5_K_M", { cols: 896 }), "Q5_1");
    assertEquals(typeOf("blk.3.attn_q", "Q6_K", { cols: 896 }), "Q8_0");
    assertEquals(typeOf("token_embd", "Q4_K_M", { cols: 896 }), "Q8_0");
    assertEquals(typeOf("blk.3.attn_q", "Q4_K_M", { cols: 144 }), "F16");
    assertEquals(typeOf("blk.3.attn_q", "Q8_0", { cols: 144 }), "F16");
    assertEquals(
      tensorType("blk.3.attn_norm.weight", [896], "Q4_K_M", MODEL).type,
      "F32",
    );
  },
);
