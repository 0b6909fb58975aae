//#if WIDTH == 4
alias Word = vec4f;
fn largest(v: Word) -> f32 { return max(max(v.x, v.y), max(v.z, v.w)); }
fn total(v: Word) -> f32 { return (v.x + v.y) + (v.z + v.w); }
//#else
alias Word = f32;
fn largest(v: Word) -> f32 { return v; }
fn total(v: Word) -> f32 { return v; }
//#end
