// The least start and the greatest end of both ranges over the rows first .. last of this
// workgroup: the walk skips the keys that none of them sees.
var bounds = vec4u(NONE, 0u, NONE, 0u);
for (var query = first / params.group; query <= last / params.group; query++) {
  let range = #{RANGE};
  if (range.x < range.y) {
    bounds.x = min(bounds.x, range.x);
    bounds.y = max(bounds.y, range.y);
  }
  if (range.z < range.w) {
    bounds.z = min(bounds.z, range.z);
    bounds.w = max(bounds.w, range.w);
  }
}
