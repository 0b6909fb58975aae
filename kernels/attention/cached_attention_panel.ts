/**
 * Writes the attention kernel for a few queries over a cache in textures, on CPU adapters: a workgroup has one query and
 * heads that share a key head. Its lanes share both the heads and the keys, since what is slow is a load, whose cost is
 * the same whether lanes load one key or each its own; what the lanes of a head found is put together at the end.
 * What comes out is written as the texture that the next product reads as well.
 * Streaming softmax: https://arxiv.org/abs/2205.14135, Algorithm 1.
 */
import {
  lines,
  load,
  PLACE,
  remembered,
  rowPlace,
  SCORE,
  textures,
} from "./attention_panel_text.ts";
import { FLAT_WIDTH } from "../launch/flat_texture.ts";
import { defineKernel, type Kernel } from "../device/kernel.ts";
import type { Lanes } from "../device/lanes.ts";

/** Keys per lane and step of the walk. */
const KEYS = 4;

/** How the lanes of a workgroup share heads and keys: there are head lanes times key lanes. */
export interface CachedSplit {
  /** Heads of a lane: they share its loads. */
  readonly heads: number;
  readonly headLanes: number;
  readonly keyLanes: number;
  /** Workgroups for the heads of one query that share a key head. */
  readonly blocks: number;
}

/**
 * The split of a head size: as few lanes for heads as they need, all others for keys.
 *
 * @param group heads that share a key head
 * @param room bytes of a workgroup's memory, where its lanes put their sums together: many dims leave lanes free
 */
export function cachedSplit(
  headDim: number,
  group: number,
  { lanes, room }: { readonly lanes: Lanes; readonly room: number },
): CachedSplit {
  // two heads of more dims would be a text that drivers take long to compile
  const heads = group > 1 && headDim <= 128 ? 2 : 1;
  let used: number = lanes;
  while (used > 1 && used * heads * (4 * headDim + 8) > room) used /= 2;
  const wanted = 2 ** Math.ceil(Math.log2(Math.ceil(group / heads)));
  const headLanes = Math.min(used, wanted);
  const blocks = Math.ceil(group / (heads * headLanes));
  return { heads, headLanes, keyLanes: used / headLanes, blocks };
}

const kernels = new Map<string, Kernel>();

/** The kernel for one head size and split; grid: queries times blocks folded over x and y, key heads on z. */
export function cachedAttentionPanel(
  headDim: number,
  split: CachedSplit,
): Kernel {
  const { heads, headLanes, keyLanes } = split;
  const name =
    `cached_attention_panel_${headDim}_${heads}x${headLanes}x${keyLanes}`;
  return remembered(
    kernels,
    name,
    () => defineKernel(name, panelText(headDim / 4, split)),
  );
}

function panelText(quads: number, split: CachedSplit): string {
  const { heads, headLanes, keyLanes } = split;
  const lanes = headLanes * keyLanes;
  return `
struct Params { queries: u32, blocks: u32, group: u32, heads: u32, kv_heads: u32, scale: f32 }
${textures(0, ["k", "v"])}
@group(0) @binding(2) var<storage, read> q: array<vec4f>;
@group(0) @binding(3) var<storage, read> ranges: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> o: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;
@group(0) @binding(6) var flat_o: texture_storage_2d<rgba32float, write>;
var<workgroup> stats: array<vec2f, ${heads * lanes}>; // greatest score, sum
var<workgroup> sums: array<vec4f, ${heads * quads * lanes}>;
${PLACE}${SCORE}
@compute @workgroup_size(${lanes})
fn main(
  @builtin(workgroup_id) block: vec3u,
  @builtin(num_workgroups) blocks: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
let unit = block.x + block.y * blocks.x;
let query = min(unit / params.blocks, params.queries - 1u);
let first = unit % params.blocks * ${heads * headLanes}u;
let first_row = query * params.heads + block.z * params.group;
let head_lane = lane % ${headLanes}u;
let key_lane = lane / ${headLanes}u;
let range = ranges[query];
let first_count = max(range.x, range.y) - range.x;
let count = first_count + max(range.z, range.w) - range.z;
${lines(heads, (h) => startOf(h, heads, quads))}
for (var i = 0u; i < count; i += ${KEYS * keyLanes}u) {
  let own = i + key_lane * ${KEYS}u;
${walk(quads, heads)}
}
${
    lines(heads, (h) =>
      `stats[${h * lanes}u + lane] = vec2f(most${h}, sum${h});
${
        lines(
          quads,
          (d) => `sums[${(h * quads + d) * lanes}u + lane] = o${h}_${d};`,
        )
      }`)
  }
workgroupBarrier();
${together(quads, split)}
}
`;
}

/** Head h of a lane before its walk; heads past the last repeat it. */
function startOf(h: number, heads: number, quads: number): string {
  return `let at_q${h} = (first_row + min(first + head_lane * ${heads}u + ${h}u, params.group - 1u)) * ${quads}u;
var most${h} = NO_KEYS; var sum${h} = 0.0;
${
    lines(
      quads,
      (d) => `let q${h}_${d} = q[at_q${h} + ${d}u]; var o${h}_${d} = vec4f();`,
    )
  }`;
}

/** A step of a lane over its keys from number `own` on. */
function walk(quads: number, heads: number): string {
  const keys = Array.from({ length: KEYS }, (_, j) => j);
  const place = (j: number) =>
    `  let i${j} = min(own + ${j}u, count - 1u);
  let key${j} = select(range.z + i${j} - first_count, range.x + i${j}, i${j} < first_count);
  ${
      rowPlace(
        `at${j}`,
        `(key${j} * params.kv_heads + block.z) * ${quads}u`,
        quads,
      )
    }
${lines(heads, (h) => `  var s${h}_${j} = 0.0;`)}`;
  const products = (d: number, j: number) =>
    `  { let x = ${load("k", `at${j}`, d, quads)}; ${
      lines(heads, (h) => `s${h}_${j} += dot(q${h}_${d}, x);`)
    } }`;
  const weights = (h: number) =>
    `${
      lines(KEYS, (j) =>
        `  let score${h}_${j} = select(NO_KEYS, score(s${h}_${j}), own + ${j}u < count);`)
    }
  let next${h} = ${
      keys.reduce((most, j) => `max(${most}, score${h}_${j})`, `most${h}`)
    };
  let fade${h} = exp(most${h} - next${h});
  most${h} = next${h};
${
      lines(KEYS, (j) =>
        `  let p${h}_${j} = select(0.0, exp(score${h}_${j} - next${h}), own + ${j}u < count);`)
    }
  sum${h} = sum${h} * fade${h} + ${keys.map((j) => `p${h}_${j}`).join(" + ")};`;
  const sums = (d: number) =>
    `  {
${lines(KEYS, (j) => `let x${j} = ${load("v", `at${j}`, d, quads)};`)}
${
      lines(heads, (h) =>
        `o${h}_${d} = o${h}_${d} * fade${h} + ${
          keys.map((j) => `p${h}_${j} * x${j}`).join(" + ")
        };`)
    }
  }`;
  return `${lines(KEYS, place)}
${lines(quads, (d) => lines(KEYS, (j) => products(d, j)))}
${lines(heads, weights)}
${lines(quads, sums)}`;
}

/** What the key lanes of each head found, put together: the lanes deal out the quads of all heads. */
function together(
  quads: number,
  { heads, headLanes, keyLanes }: CachedSplit,
): string {
  const lanes = headLanes * keyLanes;
  const lane = (i: number) =>
    `head % ${heads}u * ${lanes}u + head / ${heads}u + ${i * headLanes}u`;
  const sum = (i: number) =>
    `(head % ${heads}u * ${quads}u + quad) * ${lanes}u + head / ${heads}u + ${
      i * headLanes
    }u`;
  return `for (var i = lane; i < ${
    heads * headLanes * quads
  }u; i += ${lanes}u) {
  let head = i / ${quads}u;
  let quad = i % ${quads}u;
  var most = NO_KEYS;
${
    lines(
      keyLanes,
      (i) =>
        `  let stats${i} = stats[${lane(i)}]; most = max(most, stats${i}.x);`,
    )
  }
  var sum = 0.0;
  var value = vec4f();
${
    lines(keyLanes, (i) =>
      `  { let weight = exp(stats${i}.x - most); sum += weight * stats${i}.y; value += weight * sums[${
        sum(i)
      }]; }`)
  }
  if (unit < params.queries * params.blocks && first + head < params.group) {
    value *= select(0.0, 1.0 / sum, sum > 0.0);
    let texel = (first_row + first + head) * ${quads}u + quad;
    o[texel] = value;
    textureStore(flat_o, vec2u(texel % ${FLAT_WIDTH}u, texel / ${FLAT_WIDTH}u), value);
  }
}`;
}
