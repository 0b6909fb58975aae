/** The texts that several shaders of attention share, by the names in their `//#use` lines. */
import type { ShaderFile } from "../../device/expand.ts";
import blockProducts from "./block_products.wgsl" with { type: "text" };
import blockSums from "./block_sums.wgsl" with { type: "text" };
import flatPlace from "./flat_place.wgsl" with { type: "text" };
import headOf from "./head_of.wgsl" with { type: "text" };
import headPlace from "./head_place.wgsl" with { type: "text" };
import headQuad from "./head_quad.wgsl" with { type: "text" };
import keyBounds from "./key_bounds.wgsl" with { type: "text" };
import laneRow from "./lane_row.wgsl" with { type: "text" };
import loadQuad from "./load_quad.wgsl" with { type: "text" };
import quadOf from "./quad_of.wgsl" with { type: "text" };
import rotaryPair from "./rotary_pair.wgsl" with { type: "text" };
import score from "./score.wgsl" with { type: "text" };
import statsOf from "./stats_of.wgsl" with { type: "text" };

const PIECES = {
  "block_products.wgsl": blockProducts,
  "block_sums.wgsl": blockSums,
  "flat_place.wgsl": flatPlace,
  "head_of.wgsl": headOf,
  "head_place.wgsl": headPlace,
  "head_quad.wgsl": headQuad,
  "key_bounds.wgsl": keyBounds,
  "lane_row.wgsl": laneRow,
  "load_quad.wgsl": loadQuad,
  "quad_of.wgsl": quadOf,
  "rotary_pair.wgsl": rotaryPair,
  "score.wgsl": score,
  "stats_of.wgsl": statsOf,
};

/** A shader file of attention with the texts that it uses. */
export function attentionFile(name: string, text: string): ShaderFile {
  return { name, text, pieces: PIECES };
}
