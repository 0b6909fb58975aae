// Where the head of a row lies in tensors [queries, heads]: a row is a (query, head) pair, and the
// rows of a key head are numbered query by query.
fn head_of(row: u32, kv_head: u32) -> u32 {
  return row / params.group * params.heads + kv_head * params.group + row % params.group;
}
