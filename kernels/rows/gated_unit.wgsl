// y[i] = activation(gate[i]) * up[i]                one invocation per Real, grid folded over x and y
alias Real = f32;                                                  // or vec4f
override WORKGROUP_SIZE: u32 = 64;
override ACTIVATION: u32 = 0;                                      // 0 silu, 1 gelu_tanh, 2 relu2, 3 sigmoid
struct Params { count: u32 }
@group(0) @binding(0) var<storage, read> gate: array<Real>;        // [count]
@group(0) @binding(1) var<storage, read> up: array<Real>;          // [count]
@group(0) @binding(2) var<storage, read_write> y: array<Real>;     // [count]
@group(0) @binding(3) var<uniform> params: Params;

// bounded, since what comes of an overflow is the driver's choice
fn sigmoid(x: Real) -> Real { return 1.0 / (1.0 + exp(min(-x, Real(80.0)))); }

fn activation(x: Real) -> Real {
  switch ACTIVATION {
    case 1u: {
      // (1 + tanh(u)) / 2 = sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3)
      return x * sigmoid(1.5957691216 * (x + 0.044715 * x * x * x));
    }
    case 2u: {
      let positive = max(x, Real(0.0));
      return positive * positive;
    }
    case 3u: { return sigmoid(x); }
    default: { return x * sigmoid(x); }
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i < params.count) { y[i] = activation(gate[i]) * up[i]; }
}
