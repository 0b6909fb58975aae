/**
 * Writes the forward attention kernel for CPU adapters. Rows are (query, head) pairs that share a key head;
 * each lane owns some of them with q and o in variables, and all lanes walk over the same keys.
 * Streaming softmax: https://arxiv.org/abs/2205.14135, Algorithm 1.
 */
import {
  BOUNDS,
  laneRow,
  lines,
  load,
  PLACE,
  remembered,
  rowPlace,
  SCORE,
  textures,
} from "./attention_panel_text.ts";
import { defineKernel, type Kernel } from "../device/kernel.ts";
import type { Lanes } from "../device/lanes.ts";

/** Sizes that are part of the text. */
export interface PanelTile {
  readonly headDim: number;
  readonly lanes: Lanes;
  /** (query, head) rows per lane. */
  readonly rows: number;
  /** Keys per step of the walk. */
  readonly keys: number;
}

/** What was baked into the text, for names. */
export function tileName({ headDim, lanes, rows, keys }: PanelTile): string {
  return `${headDim}_${lanes}x${rows}_${keys}`;
}

const kernels = new Map<string, Kernel>();

/** The forward kernel for one head size and tile; grid: row blocks folded over x and y, key heads on z. */
export function attentionPanel(tile: PanelTile): Kernel {
  const name = `attention_panel_${tileName(tile)}`;
  return remembered(
    kernels,
    name,
    () => defineKernel(name, panelText(tile)),
  );
}

function panelText(tile: PanelTile): string {
  const quads = tile.headDim / 4;
  const { lanes, rows, keys } = tile;
  return `
struct Params { rows: u32, group: u32, heads: u32, kv_heads: u32, scale: f32 }
${textures(0, ["q", "k", "v"])}
@group(0) @binding(3) var ranges: texture_storage_2d<rgba32uint, read>;
@group(0) @binding(4) var<storage, read_write> o: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;
${PLACE}${SCORE}
@compute @workgroup_size(${lanes})
fn main(
  @builtin(workgroup_id) block: vec3u,
  @builtin(num_workgroups) blocks: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
let kv_head = block.z;
let first = (block.x + block.y * blocks.x) * ${lanes * rows}u;
let last = min(first + ${lanes * rows}u, params.rows) - 1u;
${BOUNDS}
${
    lines(rows, (i) =>
      `${laneRow(i, lanes)}
${rowPlace(`q_at${i}`, `head${i} * ${quads}u`, quads)}
var most${i} = NO_KEYS;
var sum${i} = 0.0;
${
        lines(quads, (d) =>
          `let q${i}_${d} = ${
            load("q", `q_at${i}`, d, quads)
          }; var o${i}_${d} = vec4f(0.0);`)
      }`)
  }
for (var part = 0u; part < 2u; part++) {
  let begin = select(bounds.x, bounds.z, part == 1u);
  let end = select(bounds.y, bounds.w, part == 1u);
${
    lines(rows, (i) =>
      `  let start${i} = select(range${i}.x, range${i}.z, part == 1u);
  let count${i} = max(start${i}, select(range${i}.y, range${i}.w, part == 1u)) - start${i};`)
  }
  for (var key = begin; key < end; key += ${keys}u) {
${scores(tile, quads)}
${lines(rows, (i) => weights(i, keys))}
${values(tile, quads)}
  }
}
${
    lines(rows, (i) =>
      `if (row${i} < params.rows) {
  let seen = sum${i} > 0.0;
  let factor = select(0.0, 1.0 / sum${i}, seen);
  lse[head${i}] = select(NO_KEYS, most${i} + log(sum${i}), seen);
${
        lines(
          quads,
          (d) => `  o[head${i} * ${quads}u + ${d}u] = o${i}_${d} * factor;`,
        )
      }
}`)
  }
}
`;
}

/** Loads `quads` of all keys of a step, then multiplies: loads between the arithmetic cost more. */
function scores({ rows, keys }: PanelTile, quads: number): string {
  return `${
    lines(keys, (j) =>
      `let key${j} = min(key + ${j}u, end - 1u);
${
        rowPlace(
          `at${j}`,
          `(key${j} * params.kv_heads + kv_head) * ${quads}u`,
          quads,
        )
      }`)
  }
${lines(rows, (i) => lines(keys, (j) => `var s${i}_${j} = 0.0;`))}
${
    lines(quads, (d) =>
      `{
${lines(keys, (j) => `let k${j} = ${load("k", `at${j}`, d, quads)};`)}
${
        lines(rows, (i) =>
          lines(keys, (j) => `s${i}_${j} += dot(q${i}_${d}, k${j});`))
      }
}`)
  }`;
}

/** m' = max(m, s); p = exp(s - m'); l' = l * exp(m - m') + sum(p), for row i. */
function weights(i: number, keys: number): string {
  const all = Array.from({ length: keys }, (_, j) => j);
  return `
${
    lines(keys, (j) =>
      `let sees${i}_${j} = key + ${j}u - start${i} < count${i};
let score${i}_${j} = select(NO_KEYS, score(s${i}_${j}), sees${i}_${j});`)
  }
let next${i} = ${
    all.reduce((most, j) => `max(${most}, score${i}_${j})`, `most${i}`)
  };
let fade${i} = exp(most${i} - next${i});
most${i} = next${i};
${
    lines(keys, (j) =>
      `let p${i}_${j} = select(0.0, exp(score${i}_${j} - next${i}), sees${i}_${j});`)
  }
sum${i} = sum${i} * fade${i} + ${all.map((j) => `p${i}_${j}`).join(" + ")};`;
}

/** o' = o * exp(m - m') + p v */
function values({ rows, keys }: PanelTile, quads: number): string {
  const all = Array.from({ length: keys }, (_, j) => j);
  return lines(quads, (d) =>
    `{
${lines(keys, (j) => `let v${j} = ${load("v", `at${j}`, d, quads)};`)}
${
      lines(rows, (i) =>
        `o${i}_${d} = o${i}_${d} * fade${i} + ${
          all.map((j) => `v${j} * p${i}_${j}`).join(" + ")
        };`)
    }
}`);
}
