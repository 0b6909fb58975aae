// Numbers dim .. dim + 3 of a head of q (source 0), k (1), v (2) or dout (3); zeros past its end.
fn quad_of(source: u32, head: u32, dim: u32) -> vec4f {
  let at = head * HEAD_DIM + dim;
  if (WIDTH == 4u && dim < HEAD_DIM) { return item_of(source, at / 4u); }
  var quad = vec4f(0.0);
  for (var c = 0u; c < 4u; c++) { if (dim + c < HEAD_DIM) { quad[c] = item_of(source, at + c).x; } }
  return quad;
}

fn item_of(source: u32, at: u32) -> vec4f {
  switch source {
    case 0u: { return vec4f(q[at]); }
    case 1u: { return vec4f(k[at]); }
    case 2u: { return vec4f(v[at]); }
    default: { return vec4f(dout[at]); }
  }
}

fn add_products(s: ptr<function, array<vec4f, 4>>, x: u32, y: u32) {
  //#use "block_products.wgsl" SUM = "(*s)"
}
