// The sums of each part on GPUs: what an invocation adds up, and what sixteen of them have
// together.
//#for i in PARTS
// of a pair of columns of part #{i}: an invocation's share of the sums of each row
fn sums#{i}(col: u32, lane: u32) -> array<vec2f, 4> {
  var sums: array<vec2f, 4>;
  let words = select((params.length + 3) / 4, 0u, col >= params.cols#{i});
  for (var k = lane; k < words; k += 16) {
    var b0: vec4f;
    var b1: vec4f;
    if (FORMAT == 0) {
      let first = (params.b_row + col) * params.b_pitch + k;
      b0 = bitcast<vec4f>(b_#{i}[first]);
      if (col + 1 < params.cols#{i}) { b1 = bitcast<vec4f>(b_#{i}[first + params.b_pitch]); }
    } else {
      let pair = b_#{i}[(params.b_row + col) / 2 * params.b_pitch + k];
      b0 = even(pair);
      b1 = odd(pair);
    }
    for (var t = 0u; t < ROWS; t++) {
      let x = a[t * params.a_pitch + params.a_word + k];
      sums[t] += vec2f(dot(x, b0), dot(x, b1));
    }
  }
  let rank_words = select((params.more#{i}_length + 3) / 4, 0u, col >= params.cols#{i});
  for (var k = lane; k < rank_words; k += 16) {
    let first = (params.more#{i}_b_row + col) * params.more#{i}_b_pitch + k;
    let b0 = more_b#{i}[first];
    var b1: vec4f;
    if (col + 1 < params.cols#{i}) { b1 = more_b#{i}[first + params.more#{i}_b_pitch]; }
    for (var t = 0u; t < ROWS; t++) {
      let x = more_a#{i}[t * params.more#{i}_a_pitch + params.more#{i}_a_word + k];
      sums[t] += vec2f(dot(x, b0), dot(x, b1));
    }
  }
  return sums;
}
fn finished#{i}(col: u32, sum: f32) -> f32 {
  if (params.has_bias#{i} == 1) { return sum + bias#{i}[col]; }
  return sum;
}
//#end

// the sums of row local.x over all sixteen invocations; all invocations must call it at once
fn summed(shares: array<vec2f, 4>, local: vec3u) -> vec2f {
  var sums = shares;
  workgroupBarrier();
  for (var t = 0u; t < ROWS; t++) { partial[64 * t + 16 * local.y + local.x] = sums[t]; }
  workgroupBarrier();
  for (var step = 8u; step > 0; step /= 2) {
    if (local.x < step) {
      for (var t = 0u; t < ROWS; t++) {
        let at = 64 * t + 16 * local.y + local.x;
        partial[at] += partial[at + step];
      }
    }
    workgroupBarrier();
  }
  return partial[64 * min(local.x, 3u) + 16 * local.y];
}
