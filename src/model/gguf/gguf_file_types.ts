/**
 * What llama.cpp's own tool does with each matrix under a file type: those that matter most keep
 * more bits, and rows that are no whole blocks get another type. Knows no numbers.
 */
import { GGUF_TYPES, type GgufType } from "../../files/gguf/gguf.ts";

/** The type of most matrices of a file, by llama.cpp's names. */
export type GgufFileType =
  | ("F32" | "F16" | "BF16" | "Q8_0" | "Q4_0")
  | ("Q4_K_M" | "Q5_K_M" | "Q6_K");

/** The format's numbers for them, and the type of a matrix about which nothing else is said. */
export const GGUF_FILE_TYPES: Readonly<
  Record<GgufFileType, { readonly number: number; readonly usual: GgufType }>
> = {
  F32: { number: 0, usual: "F32" },
  F16: { number: 1, usual: "F16" },
  Q4_0: { number: 2, usual: "Q4_0" },
  Q8_0: { number: 7, usual: "Q8_0" },
  Q4_K_M: { number: 15, usual: "Q4_K" },
  Q5_K_M: { number: 17, usual: "Q5_K" },
  Q6_K: { number: 18, usual: "Q6_K" },
  BF16: { number: 32, usual: "BF16" },
};

/** What a model's matrices are chosen by. */
export interface TypedModel {
  readonly layers: number;
  readonly heads: number;
  readonly keyHeads: number;
  /** Whether the embedding makes the logits too. */
  readonly isTied: boolean;
}

/** Where rows are no whole blocks of 256: types of about as many bits, in blocks of 32. */
const SMALLER: Readonly<Partial<Record<GgufType, GgufType>>> = {
  Q4_K: "Q5_0",
  Q5_K: "Q5_1",
  Q6_K: "Q8_0",
};

/** The first and the last eighth of the layers, and every third between. */
function takesMoreBits(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor(7 * layers / 8) ||
    (layer - eighth) % 3 === 2;
}

function wantedType(
  name: string,
  fileType: GgufFileType,
  { layers, heads, keyHeads, isTied }: TypedModel,
): GgufType {
  const { usual } = GGUF_FILE_TYPES[fileType];
  const isMixed = fileType === "Q4_K_M" || fileType === "Q5_K_M";
  if (name === (isTied ? "token_embd.weight" : "output.weight")) {
    if (isMixed) return "Q6_K";
    return fileType === "Q4_0" ? "Q8_0" : usual;
  }
  if (!isMixed) return usual;
  const [, layer, part] = /^blk\.(\d+)\.(\w+)\.weight$/.exec(name) ?? [];
  if (part === "attn_v" || part === "ffn_down") {
    if (takesMoreBits(Number(layer), layers)) return "Q6_K";
    // the 80 layers of 70B models share their few value heads among many queries
    const isShared = part === "attn_v" && layers === 80 && keyHeads < heads;
    return isShared ? "Q5_K" : usual;
  }
  if (part === "attn_qkv") return fileType === "Q4_K_M" ? "Q5_K" : "Q6_K";
  return usual;
}

/** The type that a tensor is stored in. Norms and biases are float32. */
export function tensorType(
  name: string,
  shape: readonly number[],
  fileType: GgufFileType,
  model: TypedModel,
): { readonly type: GgufType; readonly wanted: GgufType } {
  if (shape.length < 2) return { type: "F32", wanted: "F32" };
  const wanted = wantedType(name, fileType, model);
  const fits = (type: GgufType) =>
    shape.at(-1)! % GGUF_TYPES[type].elements === 0;
  const smaller = SMALLER[wanted];
  const type = fits(wanted)
    ? wanted
    : smaller !== undefined && fits(smaller)
    ? smaller
    : "F16";
  return { type, wanted };
}
