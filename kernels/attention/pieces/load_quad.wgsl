// texel #{QUAD} of the head at #{AT}
//#if WRAPS
let #{NAME} = textureLoad(#{TEXTURE}, place(#{AT} + #{QUAD}u));
//#else
let #{NAME} = textureLoad(#{TEXTURE}, vec2u(#{AT}.x + #{QUAD}u, #{AT}.y));
//#end
