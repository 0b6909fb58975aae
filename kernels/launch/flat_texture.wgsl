// Word i of x becomes texel (i % 512, i / 512)        one invocation per word
//#values FORMAT
struct Params { words: u32 }
@group(0) @binding(0) var<storage, read> x: array<#{FORMAT == "rgba32float" ? "vec4f" : "vec4u"}>; // [words]
@group(0) @binding(1) var texture: texture_storage_2d<#{FORMAT}, write>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i >= params.words) { return; }
  textureStore(texture, vec2u(i % 512, i / 512), x[i]);
}
