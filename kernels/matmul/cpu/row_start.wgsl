// Where row N of b begins, or pair N of rows: b_row<N> is its number.
//#if HALVES
let b_at#{N} = (b_row#{N} - ((b_row#{N}) % 4u)) * params.#{PREFIX}b_pitch + ((b_row#{N}) % 4u);
//#else
let b_at#{N} = (b_row#{N}) * params.#{PREFIX}b_pitch;
//#end
