// The numbers of one step of AdamW.
struct Params {
  count: u32,
  decay: f32, // 1 - learning_rate weight_decay
  one_less_beta1: f32,
  beta2: f32,
  one_less_beta2: f32,
  step_size: f32,       // learning_rate / (1 - beta1^step)
  root_correction: f32, // sqrt(1 - beta2^step)
  eps: f32,
}
