// where a head begins: a texel, or its place if no head goes on in the next line of the texture
//#if WRAPS
let #{NAME} = #{TEXEL};
//#else
let #{NAME} = place(#{TEXEL});
//#end
