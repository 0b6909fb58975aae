// c[i, j] = (scale[i]) c[i, j] + factor (sum_k a[i, k] B[k, j], the same of a second pair, and
// bias[j])
// B[k, j] is b[j, k] in mode "nt", b[k, j] in mode "nn". One workgroup per ROWS * ROW_LANES x COLS
// * COL_LANES outputs.
//
// A workgroup is the lanes of a vector register, laid out ROW_LANES x COL_LANES; an invocation owns
// ROWS x COLS outputs in named variables, its rows neighbours. No workgroup memory and no barrier.
// On a CPU this is fast only where every product of a tile is spelled out, and every textureLoad
// stands before the first multiply-add.
// What is added to the sums is mostly told at the launch, since each text costs the driver about a
// second at its first use. Whether c's old contents count is part of the text: llvmpipe walks over
// the lanes of a load even if none reads.
//#values MODE, TYPE, ROWS, ROW_LANES, COLS, COL_LANES, VECTORS, ADDS
//#let INT8 = TYPE == "int8"
//#let CODES = TYPE == "int8" || TYPE == "nf4" || TYPE == "fp4"
struct Params {
  rows: u32, cols: u32, length: u32, a_word: u32, a_pitch: u32, b_row: u32, b_pitch: u32,
  c_row: u32, c_col: u32, c_first: u32, scaled: u32, has_bias: u32, bias_first: u32,
  more_length: u32, more_a_word: u32, more_a_pitch: u32, more_b_row: u32, more_b_pitch: u32,
  ranged: u32, group: u32, row_base: u32, factor: f32
}
@group(0) @binding(0) var a: texture_storage_2d<rgba32float, read>;      // [rows, length], flat
@group(0) @binding(1) var b: texture_storage_2d<rgba32uint, read>;       // [cols, length] or [length, cols], flat
@group(0) @binding(2) var<storage, read_write> c: array<#{VECTORS == "none" ? "f32" : "vec4f"}>; // [rows, cols] by strides
@group(0) @binding(3) var<uniform> params: Params;
@group(0) @binding(4) var<storage, read> bias: array<f32>;               // [bias_first + cols]
@group(0) @binding(5) var<storage, read> scale: array<f32>;              // [rows]
@group(0) @binding(6) var more_a: texture_storage_2d<rgba32float, read>; // [rows, more_length], flat
@group(0) @binding(7) var more_b: texture_storage_2d<rgba32uint, read>;  // as b, but f32, flat
@group(0) @binding(8) var<storage, read> starts: array<u32>;             // [groups + 1]
//#if CODES
@group(0) @binding(9) var scales: texture_storage_2d<rgba32float, read>; // [pairs of 4 bits, then rows of b / 4, blocks], flat
//#end

//#use "flat_words.wgsl"
//#if CODES
//#use "codes.wgsl"
//#end

@compute @workgroup_size(#{ROW_LANES * COL_LANES})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  var base = 0u;
  var end_row = params.rows;
  if (params.ranged == 1u) {
    base = max(starts[params.group], params.row_base) - params.row_base;
    end_row = min(max(starts[params.group + 1u], params.row_base) - params.row_base, params.rows);
  }
  let first_row = base + group.x * #{ROWS * ROW_LANES}u + lane / #{COL_LANES}u * #{ROWS}u;
  if (base + group.x * #{ROWS * ROW_LANES}u >= end_row) { return; }
  // four neighbouring columns belong to one lane, the next four to the next
  let first_col = group.y * #{COLS * COL_LANES}u;
  let col_lane = lane % #{COL_LANES}u;
  //#for r in ROWS, c in COLS
  var s#{r}_#{c} = 0.0;
  //#end
  {
    //#if CODES
    //#use "sums_of_codes.wgsl"
    //#else
    //#use "sums_of_pair.wgsl" A = "a", B = "b", PREFIX = "", B_TYPE = TYPE
    //#end
  }
  {
    //#use "sums_of_pair.wgsl" A = "more_a", B = "more_b", PREFIX = "more_", B_TYPE = "f32"
  }
  if (params.has_bias == 1u) {
    //#for c in COLS
    let bias#{c} = bias[params.bias_first + min(first_col + col_lane * 4u + #{c / 4 * 4 * COL_LANES + c % 4}u, params.cols - 1u)];
    //#for r in ROWS
    s#{r}_#{c} = s#{r}_#{c} + bias#{c};
    //#end
    //#end
  }
  // Loops that pick a row's or a column's sums: with every store written out, the driver compiles
  // three times as long.
  //#if VECTORS == "rows"
  for (var i = 0u; i < #{COLS}u; i++) {
    let col = first_col + col_lane * 4u + i / 4u * #{4 * COL_LANES}u + i % 4u;
    if (col < params.cols) {
      let at = params.c_first + col * params.c_col;
      //#for q in ROWS / 4
      let row#{q} = first_row + #{4 * q}u;
      if (row#{q} < params.rows) {
        //#if ADDS
        var kept = vec4f(1.0);
        if (params.scaled == 1u) { kept = vec4f(#[scale[row#{q} + #{j}u] for j in 4 join ", "]); }
        //#end
        let value = params.factor * #[vec4f(#[s#{r}_#{c} for r in 4 * q..4 * q + 4 join ", "]) for c in COLS select i];
        //#if ADDS
        c[(at + row#{q}) / 4u] = value + kept * c[(at + row#{q}) / 4u];
        //#else
        c[(at + row#{q}) / 4u] = value;
        //#end
      }
      //#end
    }
  }
  //#else
  for (var i = 0u; i < #{ROWS}u; i++) {
    let row = first_row + i;
    if (row >= end_row) { break; }
    //#if ADDS
    var kept = f32(1.0);
    if (params.scaled == 1u) { kept = scale[row]; }
    //#end
    let at = params.c_first + row * params.c_row;
    //#for q in COLS / 4
    let col#{q} = first_col + col_lane * 4u + #{4 * q * COL_LANES}u;
    if (col#{q} < params.cols) {
      let value = params.factor * #[vec4f(#[s#{r}_#{c} for c in 4 * q..4 * q + 4 join ", "]) for r in ROWS select i];
      //#if VECTORS == "columns" && ADDS
      c[(at + col#{q}) / 4u] = value + kept * c[(at + col#{q}) / 4u];
      //#else if VECTORS == "columns"
      c[(at + col#{q}) / 4u] = value;
      //#else
      //#for j in 4
      if (col#{q} + #{j}u < params.cols) {
        let place = at + (col#{q} + #{j}u) * params.c_col;
        c[place] = value.#{"xyzw"[j]}#{ADDS ? " + kept * c[place]" : ""};
      }
      //#end
      //#end
    }
    //#end
  }
  //#end
}
