// Four k, those of word w, of all sums of an invocation: one fused multiply-add a product, no sum
// of its own for the four.
let y = (local.y ^ (#{8 / WORDS} * (w)));
//#if NT
let x = (local.x ^ (#{8 / WORDS} * (w)));
//#end
//#for q in COLS / 4
//#if NT
// words of four columns, turned into four columns of each k
//#for n in 4 * q..4 * q + 4
let n#{n} = b_tile[w * #{WIDE} + x + #{16 * n}];
//#end
//#for k in 4
let b#{q}_#{k} = vec4f(#[n#{n}.#{"xyzw"[k]} for n in 4 * q..4 * q + 4 join ", "]);
//#end
//#else
//#for k in 4
let b#{q}_#{k} = b_tile[(4 * w + #{k}) * #{WIDE / 4} + local.x + #{16 * q}];
//#end
//#end
//#end
//#for r in ROWS
let a#{r} = a_tile[w * #{HIGH} + y + #{16 * r}];
//#for q in COLS / 4, k in 4
s#{r}_#{q} = fma(vec4f(a#{r}.#{"xyzw"[k]}), b#{q}_#{k}, s#{r}_#{q});
//#end
//#end
