// Words of flat textures. TYPE: of the weight.
fn at(word: u32) -> vec2u { return vec2u(word & 511u, word >> 9u); }
//#if TYPE == "bf16"
// four columns of the even and of the odd row of a pair
fn even(pair: vec4u) -> vec4f { return bitcast<vec4f>(pair << vec4u(16u)); }
fn odd(pair: vec4u) -> vec4f { return bitcast<vec4f>(pair & vec4u(0xffff0000u)); }
//#else if TYPE == "f16"
// four columns of the even and of the odd row of a pair
//#for odd in 2
fn #{odd ? "odd" : "even"}(pair: vec4u) -> vec4f { return vec4f(#[unpack2x16float(pair.#{"xyzw"[i]}).#{"xy"[odd]} for i in 4 join ", "]); }
//#end
//#end
