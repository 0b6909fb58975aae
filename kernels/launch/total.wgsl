// The sum of the numbers in a Real. vec4f() repeats a scalar: a quarter of the four is exact.
fn total(v: Real) -> f32 { return dot(vec4f(v), vec4f(0.25 * f32(WIDTH))); }
