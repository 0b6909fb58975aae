// The lse of a row that sees no key, and the bound of a range that is empty.
const NO_KEYS = -1e30;
const NONE = 0xffffffffu;
// Where texel number `texel` of a flat texture lies.
fn place(texel: u32) -> vec2u { return vec2u(texel % #{FLAT_WIDTH}u, texel / #{FLAT_WIDTH}u); }
