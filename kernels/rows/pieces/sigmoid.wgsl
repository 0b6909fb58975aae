// Bounded, since what comes of an overflow is the driver's choice.
fn sigmoid(x: Real) -> Real { return 1.0 / (1.0 + exp(min(-x, Real(80.0)))); }
