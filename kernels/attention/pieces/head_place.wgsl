// Where a head begins: its first texel, or the place of that texel where no head wraps to a new
// line.
//#if WRAPS
let #{NAME} = #{TEXEL};
//#else
let #{NAME} = place(#{TEXEL});
//#end
