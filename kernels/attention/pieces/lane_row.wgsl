// Row #{i} of this lane, its query, head and ranges; a lane beyond the end repeats the last row.
let row#{i} = first + #{LANES * i}u + lane;
let known#{i} = min(row#{i}, params.rows - 1u);
let query#{i} = known#{i} / params.group;
let head#{i} = query#{i} * params.heads + kv_head * params.group + known#{i} % params.group;
let range#{i} = textureLoad(ranges, place(query#{i}));
