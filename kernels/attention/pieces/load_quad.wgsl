//#values NAME, TEXTURE, AT, QUAD, WRAPS
//#if WRAPS
let #{NAME} = textureLoad(#{TEXTURE}, place(#{AT} + #{QUAD}u));
//#else
let #{NAME} = textureLoad(#{TEXTURE}, vec2u(#{AT}.x + #{QUAD}u, #{AT}.y));
//#end
