//#use "sigmoid.wgsl"
//#use "normal_share.wgsl"

// What is applied to a gate, and its slope; the file that uses this declares ACTIVATION.
struct Activated { value: Real, slope: Real }

fn activated(x: Real) -> Activated {
  switch ACTIVATION {
    case 1u: {
      // value x s(v), slope s + x s (1 - s) v', with v = sqrt(8 / pi) (x + 0.044715 x^3)
      let s = sigmoid(1.5957691216 * (x + 0.044715 * x * x * x));
      let dv = 1.5957691216 * (1.0 + 0.134145 * x * x);
      return Activated(x * s, s + x * s * (1.0 - s) * dv);
    }
    case 2u: {
      let positive = max(x, Real(0.0));
      return Activated(positive * positive, 2.0 * positive);
    }
    case 3u: {
      let s = sigmoid(x);
      return Activated(s, s * (1.0 - s));
    }
    case 4u: {
      // value x P(x), slope P(x) + x p(x), with the normal distribution's P and density p
      let share = normal_share(x);
      let density = 0.3989422804 * exp(-0.5 * x * x);
      return Activated(x * share, share + x * density);
    }
    default: {
      let s = sigmoid(x);
      return Activated(x * s, s + x * s * (1.0 - s));
    }
  }
}
