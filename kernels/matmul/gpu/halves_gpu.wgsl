// four columns of the even and of the odd row of a pair
fn even(pair: vec4u) -> vec4f {
  if (FORMAT == 1) { return bitcast<vec4f>(pair << vec4u(16)); }
  return vec4f(unpack2x16float(pair.x).x, unpack2x16float(pair.y).x, unpack2x16float(pair.z).x, unpack2x16float(pair.w).x);
}

fn odd(pair: vec4u) -> vec4f {
  if (FORMAT == 1) { return bitcast<vec4f>(pair & vec4u(0xffff0000)); }
  return vec4f(unpack2x16float(pair.x).y, unpack2x16float(pair.y).y, unpack2x16float(pair.z).y, unpack2x16float(pair.w).y);
}
