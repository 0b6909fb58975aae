//#use "sigmoid.wgsl"
//#use "normal_share.wgsl"

// What is applied to a gate; the file that uses this declares the override ACTIVATION.
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
    case 4u: { return x * normal_share(x); }
    default: { return x * sigmoid(x); }
  }
}
