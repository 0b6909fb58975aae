// The sums s<row>_<col> of part i, bias included.
//#for r in ROWS, c in COLS
var s#{r}_#{c} = 0.0;
//#end
{
  //#use "sums_of_pair.wgsl" MODE = "nt", A = "a", B = "b_#{i}", PREFIX = "", B_TYPE = TYPE
}
{
  //#use "sums_of_pair.wgsl" MODE = "nt", A = "more_a#{i}", B = "more_b#{i}", PREFIX = "more#{i}_", B_TYPE = "f32"
}
if (params.has_bias#{i} == 1u) {
  //#for c in COLS
  let bias_#{c} = bias#{i}[min(first_col + col_lane * 4u + #{c / 4 * 4 * COL_LANES + c % 4}u, params.cols#{i} - 1u)];
  //#for r in ROWS
  s#{r}_#{c} = s#{r}_#{c} + bias_#{c};
  //#end
  //#end
}
