// The partner that a dim of a head turns with, the number of their angle, and the sign of the sine;
// sign 0: the dim does not turn.
fn pair_of(dim: u32) -> vec3i {
  if (dim >= 2u * params.half) { return vec3i(i32(dim), 0, 0); }
  if (params.interleaved != 0u) {
    return vec3i(i32(dim ^ 1u), i32(dim / 2u), select(-1, 1, dim % 2u == 1u));
  }
  let second = dim >= params.half;
  return vec3i(
    i32(select(dim + params.half, dim - params.half, second)),
    i32(dim % params.half),
    select(-1, 1, second));
}
