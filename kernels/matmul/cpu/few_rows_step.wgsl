// Step K over k of sums_of_pair.wgsl for one or two rows: each word of b is used where it is
// loaded.
{
  //#for r in ROWS
  let a#{r} = textureLoad(#{A}, at(a_at#{r} + #{K}));
  //#end
  //#for q in COLS / GROUP
  {
    let w = textureLoad(#{B}, at(b_at#{q * GROUP} + #{TURN}#{K}));
    //#for i in GROUP
    //#let c = q * GROUP + i
    {
      let b = #{HALVES ? i ? "odd" : "even" : "bitcast<vec4f>"}(w);
      //#for r in ROWS, j in 4
      s#{r}_#{c} = s#{r}_#{c} + a#{r}.#{"xyzw"[j]} * b.#{"xyzw"[j]};
      //#end
    }
    //#end
  }
  //#end
}
