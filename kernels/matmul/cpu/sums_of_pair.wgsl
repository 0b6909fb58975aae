// Adds the products of one pair of operands to the sums s<row>_<col> of a tile: all loads of a step
// over k, four k a step, then all multiply-adds.
// A, B: the operands' bindings; PREFIX: of the params that are theirs; B_TYPE: "f32", "bf16" or
// "f16".
// Rows of 16 bits lie in pairs, whose words hold two rows; those of four pairs take turns.
//#let HALVES = B_TYPE != "f32"
//#let GROUP = HALVES ? 2 : 1
//#let TURN = HALVES ? "4u * " : ""
//#for r in ROWS
let a_at#{r} = (first_row + #{r}u) * params.#{PREFIX}a_pitch + params.#{PREFIX}a_word;
//#end
//#if MODE == "nt"
// rows of b are columns of the tile
//#for q in COLS / GROUP
//#let c = q * GROUP
let b_row#{c} = (params.#{PREFIX}b_row + first_col + col_lane * 4u + #{c / 4 * 4 * COL_LANES + c % 4}u) / #{GROUP}u;
//#use "row_start.wgsl" N = c
//#end
let steps = (params.#{PREFIX}length + 3u) / 4u;
//#if ROWS <= 2
// One or two rows are bound by the loads of b: two steps a round, since a round costs half a load,
// and each word is used where it is loaded, since few products hide behind many loads. The order of
// the sums is that of more rows.
var k = 0u;
for (; k + 1u < steps; k += 2u) {
  //#use "few_rows_step.wgsl" K = "k"
  //#use "few_rows_step.wgsl" K = "(k + 1u)"
}
if (k < steps)
//#use "few_rows_step.wgsl" K = "k"
//#else
for (var k = 0u; k < steps; k++) {
  //#for r in ROWS
  let a#{r} = textureLoad(#{A}, at(a_at#{r} + k));
  //#end
  //#for q in COLS / GROUP
  //#let c = q * GROUP
  //#if HALVES
  let w#{c} = textureLoad(#{B}, at(b_at#{c} + #{TURN}k));
  let b#{c} = even(w#{c});
  let b#{c + 1} = odd(w#{c});
  //#else
  let b#{c} = bitcast<vec4f>(textureLoad(#{B}, at(b_at#{c} + #{TURN}k)));
  //#end
  //#end
  // four columns at a time with all rows: their b stays in registers, so that most is not fetched
  // from the stack
  //#for q in COLS / 4, r in ROWS, c in 4 * q..4 * q + 4, j in 4
  s#{r}_#{c} = s#{r}_#{c} + a#{r}.#{"xyzw"[j]} * b#{c}.#{"xyzw"[j]};
  //#end
}
//#end
//#else
// rows of b are k
//#for q in COLS / 4
let b_word#{q} = (first_col + col_lane * 4u + #{4 * q * COL_LANES}u) / 4u;
//#end
let steps = (params.#{PREFIX}length + 3u) / 4u;
// rows past the end are the last ones again: a is zero there
let last = (max(params.#{PREFIX}length, 1u) - 1u) / #{GROUP}u;
for (var k = 0u; k < steps; k++) {
  //#for r in ROWS
  let a#{r} = textureLoad(#{A}, at(a_at#{r} + k));
  //#end
  //#for i in 4 / GROUP
  //#let n = i * GROUP
  let b_row#{n} = params.#{PREFIX}b_row / #{GROUP}u + min(k * #{4 / GROUP}u + #{i}u, last);
  //#use "row_start.wgsl" N = n
  //#for q in COLS / 4
  //#if HALVES
  let w#{n}_#{q} = textureLoad(#{B}, at(b_at#{n} + #{TURN}b_word#{q}));
  let b#{n}_#{q} = even(w#{n}_#{q});
  let b#{n + 1}_#{q} = odd(w#{n}_#{q});
  //#else
  let b#{n}_#{q} = bitcast<vec4f>(textureLoad(#{B}, at(b_at#{n} + #{TURN}b_word#{q})));
  //#end
  //#end
  //#end
  //#for q in COLS / 4, r in ROWS, c in 4, j in 4
  s#{r}_#{4 * q + c} = s#{r}_#{4 * q + c} + a#{r}.#{"xyzw"[j]} * b#{j}_#{q}.#{"xyzw"[c]};
  //#end
}
//#end
