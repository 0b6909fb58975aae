/**
 * Writes the kernel of attention's dq for CPU adapters: lanes own (query, head) rows with q, do and dq in
 * variables and walk over keys, as in the forward kernel. Scores are computed again, nothing is stored.
 * Source: https://arxiv.org/abs/2205.14135, Algorithm 4.
 */
import { type PanelTile, tileName } from "./attention_panel.ts";
import {
  BOUNDS,
  laneRow,
  lines,
  load,
  PLACE,
  remembered,
  rowPlace,
  SCORE,
  STATS,
  textures,
} from "./attention_panel_text.ts";
import { defineKernel, type Kernel } from "../device/kernel.ts";

const kernels = new Map<string, Kernel>();

/** The kernel of dq for one head size and tile; grid: row blocks folded over x and y, key heads on z. */
export function attentionDqPanel(tile: PanelTile): Kernel {
  const name = `attention_dq_panel_${tileName(tile)}`;
  return remembered(kernels, name, () => defineKernel(name, panelText(tile)));
}

function panelText(tile: PanelTile): string {
  const quads = tile.headDim / 4;
  const { lanes, rows, keys } = tile;
  return `
struct Params { rows: u32, group: u32, heads: u32, kv_heads: u32, scale: f32 }
${textures(0, ["q", "k", "v", "dout", "stats"])}
@group(0) @binding(5) var ranges: texture_storage_2d<rgba32uint, read>;
@group(0) @binding(6) var<storage, read_write> dq: array<vec4f>;
@group(0) @binding(7) var<uniform> params: Params;
${PLACE}${SCORE}${STATS}
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
${lines(rows, (i) => ownRow(i, tile))}
for (var part = 0u; part < 2u; part++) {
  let begin = select(bounds.x, bounds.z, part == 1u);
  let end = select(bounds.y, bounds.w, part == 1u);
${
    lines(rows, (i) =>
      `  let start${i} = select(range${i}.x, range${i}.z, part == 1u);
  let count${i} = max(start${i}, select(range${i}.y, range${i}.w, part == 1u)) - start${i};`)
  }
  for (var key = begin; key < end; key += ${keys}u) {
${step(tile, quads)}
  }
}
${
    lines(rows, (i) =>
      `if (row${i} < params.rows) {
${lines(quads, (d) => `  dq[head${i} * ${quads}u + ${d}u] = dq${i}_${d};`)}
}`)
  }
}
`;
}

function ownRow(i: number, { headDim, lanes }: PanelTile): string {
  const quads = headDim / 4;
  return `${laneRow(i, lanes)}
${rowPlace(`q_at${i}`, `head${i} * ${quads}u`, quads)}
let stat${i} = stats_of(head${i});
${
    lines(quads, (d) =>
      `let q${i}_${d} = ${load("q", `q_at${i}`, d, quads)};
let do${i}_${d} = ${load("dout", `q_at${i}`, d, quads)};
var dq${i}_${d} = vec4f(0.0);`)
  }`;
}

/** p = exp(s - lse); ds = p * (do . v - o . do) * slope; dq += ds k */
function step({ rows, keys }: PanelTile, quads: number): string {
  const all = Array.from({ length: keys }, (_, j) => j);
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
${
    lines(rows, (i) =>
      lines(keys, (j) => `var s${i}_${j} = 0.0; var dp${i}_${j} = 0.0;`))
  }
${
    lines(quads, (d) =>
      `${
        lines(keys, (j) =>
          `let k${d}_${j} = ${load("k", `at${j}`, d, quads)};
let v${d}_${j} = ${load("v", `at${j}`, d, quads)};`)
      }
${
        lines(rows, (i) =>
          lines(keys, (j) =>
            `s${i}_${j} += dot(q${i}_${d}, k${d}_${j});
dp${i}_${j} += dot(do${i}_${d}, v${d}_${j});`))
      }`)
  }
${
    lines(rows, (i) =>
      lines(keys, (j) =>
        `let score${i}_${j} = score(s${i}_${j});
let ds${i}_${j} = select(0.0, exp(score${i}_${j} - stat${i}.x) * (dp${i}_${j} - stat${i}.y) * score_slope(score${i}_${j}), key + ${j}u - start${i} < count${i});`))
  }
${
    lines(quads, (d) =>
      lines(rows, (i) =>
        `dq${i}_${d} += ${
          all.map((j) =>
            `k${d}_${j} * ds${i}_${j}`
          ).join(" + ")
        };`))
  }`;
}
