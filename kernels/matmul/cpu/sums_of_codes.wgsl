// As sums_of_pair.wgsl for b of codes: words of four rows, and four columns of int8 or eight of 4
// bits; and words of the scales of four rows, one a row of int8 or one for 64 columns of 4 bits.
//#for r in ROWS
let a_at#{r} = (first_row + #{r}u) * params.a_pitch + params.a_word;
//#end
//#if MODE == "nt"
// rows of b are columns of the tile: block by block along them, the lanes hold the scales of their
// rows meanwhile
//#for q in COLS / 4
let group#{q} = (params.b_row + first_col + col_lane * 4u + #{4 * q * COL_LANES}u) / 4u;
let b_at#{q} = group#{q} * params.b_pitch;
//#end
let steps = (params.length + 3u) / 4u;
let block_steps = #{INT8 ? "steps" : "16u"};
var k = 0u;
for (var block = 0u; k < steps; block++) {
  //#for q in COLS / 4
  let scale#{q} = textureLoad(scales, #{INT8 ? "at" : "scale_word"}(group#{q}#{INT8 ? "" : ", block"}));
  //#end
  let end = min(k + block_steps, steps);
  for (; k < end; k++) {
    //#for r in ROWS
    let a#{r} = textureLoad(a, at(a_at#{r} + k));
    //#end
    let shift = (k & 1u) * 16u;
    //#for q in COLS / 4
    //#if INT8
    let w#{q} = textureLoad(b, at(b_at#{q} + k));
    //#else
    let w#{q} = textureLoad(b, at(b_at#{q} + k / 2u)) >> vec4u(shift);
    //#end
    //#end
    //#for q in COLS / 4, j in 4
    let b#{4 * q + j} = four(w#{q}.#{"xyzw"[j]}) * scale#{q}.#{"xyzw"[j]};
    //#end
    //#for q in COLS / 4, r in ROWS, c in 4 * q..4 * q + 4, j in 4
    s#{r}_#{c} = s#{r}_#{c} + a#{r}.#{"xyzw"[j]} * b#{c}.#{"xyzw"[j]};
    //#end
  }
}
//#else
// rows of b are k: those past the end have scale 0
//#for q in COLS / 4
//#if INT8
let b_word#{q} = (first_col + col_lane * 4u + #{4 * q * COL_LANES}u) / 4u;
//#else
let b_word#{q} = (first_col + col_lane * 4u + #{4 * q * COL_LANES}u) / 8u;
let shift#{q} = (first_col + col_lane * 4u + #{4 * q * COL_LANES}u) / 4u % 2u * 16u;
let block#{q} = (first_col + col_lane * 4u + #{4 * q * COL_LANES}u) / 64u;
//#end
//#end
let steps = (params.length + 3u) / 4u;
for (var k = 0u; k < steps; k++) {
  //#for r in ROWS
  let a#{r} = textureLoad(a, at(a_at#{r} + k));
  //#end
  let group = params.b_row / 4u + k;
  let b_at = group * params.b_pitch;
  //#if INT8
  let scale = textureLoad(scales, at(group));
  //#end
  //#for q in COLS / 4
  //#if INT8
  let w#{q} = textureLoad(b, at(b_at + b_word#{q}));
  //#else
  let w#{q} = textureLoad(b, at(b_at + b_word#{q})) >> vec4u(shift#{q});
  let scale#{q} = textureLoad(scales, scale_word(group, block#{q}));
  //#end
  //#end
  //#for q in COLS / 4, j in 4
  let b#{j}_#{q} = four(w#{q}.#{"xyzw"[j]}) * scale#{INT8 ? "" : q}.#{"xyzw"[j]};
  //#end
  //#for q in COLS / 4, r in ROWS, c in 4, j in 4
  s#{r}_#{4 * q + c} = s#{r}_#{4 * q + c} + a#{r}.#{"xyzw"[j]} * b#{j}_#{q}.#{"xyzw"[c]};
  //#end
}
//#end
