// Numbers dim .. dim + 3 of a head of the tensor #{NAME}; zeros past the head's end.
fn #{NAME}_quad(head: u32, dim: u32) -> vec4f {
  let at = head * HEAD_DIM + dim;
  if (WIDTH == 4u && dim < HEAD_DIM) { return vec4f(#{NAME}[at / 4u]); }
  var quad = vec4f(0.0);
  for (var c = 0u; c < 4u; c++) { if (dim + c < HEAD_DIM) { quad[c] = vec4f(#{NAME}[at + c]).x; } }
  return quad;
}
