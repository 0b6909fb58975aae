/**
 * Writes the attention kernel for a few queries over a cache in textures, on CPU adapters: each lane owns one
 * (query, head) row and walks over the keys of its own query, so that queries of several sequences do not walk over
 * each other's. What comes out is written as the texture that the next product reads as well.
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
import { FLAT_WIDTH } from "./flat_texture.ts";
import { defineKernel, type Kernel } from "./kernel.ts";
import type { Lanes } from "./lanes.ts";

/** Keys per step of the walk. */
const KEYS = 4;

const kernels = new Map<string, Kernel>();

/** The kernel for one head size; grid: blocks of one row a lane folded over x and y, key heads on z. */
export function cachedAttentionPanel(headDim: number, lanes: Lanes): Kernel {
  const name = `cached_attention_panel_${headDim}_${lanes}`;
  return remembered(
    kernels,
    name,
    () => defineKernel(name, panelText(headDim / 4, lanes)),
  );
}

function panelText(quads: number, lanes: Lanes): string {
  const keys = Array.from({ length: KEYS }, (_, j) => j);
  return `
struct Params { rows: u32, group: u32, heads: u32, kv_heads: u32, scale: f32 }
${textures(0, ["k", "v"])}
@group(0) @binding(2) var<storage, read> q: array<vec4f>;
@group(0) @binding(3) var<storage, read> ranges: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> o: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;
@group(0) @binding(6) var flat_o: texture_storage_2d<rgba32float, write>;
${PLACE}${SCORE}
@compute @workgroup_size(${lanes})
fn main(
  @builtin(workgroup_id) block: vec3u,
  @builtin(num_workgroups) blocks: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
let kv_head = block.z;
let row = (block.x + block.y * blocks.x) * ${lanes}u + lane;
let known = min(row, params.rows - 1u);
let query = known / params.group;
let head = query * params.heads + kv_head * params.group + known % params.group;
let range = ranges[query];
let first_count = max(range.x, range.y) - range.x;
let count = first_count + max(range.z, range.w) - range.z;
${
    lines(
      quads,
      (d) => `let q${d} = q[head * ${quads}u + ${d}u]; var o${d} = vec4f(0.0);`,
    )
  }
var most = NO_KEYS;
var sum = 0.0;
for (var i = 0u; i < count; i += ${KEYS}u) {
${
    lines(KEYS, (j) =>
      `  let i${j} = min(i + ${j}u, count - 1u);
  let key${j} = select(range.z + i${j} - first_count, range.x + i${j}, i${j} < first_count);
  ${
        rowPlace(
          `at${j}`,
          `(key${j} * params.kv_heads + kv_head) * ${quads}u`,
          quads,
        )
      }
  var s${j} = 0.0;`)
  }
${
    lines(quads, (d) =>
      lines(
        KEYS,
        (j) => `  s${j} += dot(q${d}, ${load("k", `at${j}`, d, quads)});`,
      ))
  }
${
    lines(
      KEYS,
      (j) =>
        `  let score${j} = select(NO_KEYS, score(s${j}), i + ${j}u < count);`,
    )
  }
  let next = ${keys.reduce((most, j) => `max(${most}, score${j})`, "most")};
  let fade = exp(most - next);
  most = next;
${
    lines(
      KEYS,
      (j) =>
        `  let p${j} = select(0.0, exp(score${j} - next), i + ${j}u < count);`,
    )
  }
  sum = sum * fade + ${keys.map((j) => `p${j}`).join(" + ")};
${
    lines(
      quads,
      (d) =>
        `  o${d} = o${d} * fade + ${
          keys.map((j) => `p${j} * ${load("v", `at${j}`, d, quads)}`).join(
            " + ",
          )
        };`,
    )
  }
}
if (row < params.rows) {
  let factor = select(0.0, 1.0 / sum, sum > 0.0);
${
    lines(quads, (d) =>
      `  let place${d} = head * ${quads}u + ${d}u;
  let value${d} = o${d} * factor;
  o[place${d}] = value${d};
  textureStore(flat_o, vec2u(place${d} % ${FLAT_WIDTH}u, place${d} / ${FLAT_WIDTH}u), value${d});`)
  }
}
}
`;
}
