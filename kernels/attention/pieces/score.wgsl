// The score of a query and a key from the product q . k, and d score / d product for a backward.
// SOFTCAP bounds the scores, as in Gemma 2; 0 means no bound.
fn score(product: f32) -> f32 {
  if (SOFTCAP > 0.0) { return SOFTCAP * tanh(params.scale * product / SOFTCAP); }
  return params.scale * product;
}
//#if SLOPE
fn score_slope(score: f32) -> f32 {
  if (SOFTCAP > 0.0) { return params.scale * (1.0 - score * score / (SOFTCAP * SOFTCAP)); }
  return params.scale;
}
//#end
