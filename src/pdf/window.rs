//! Weights W(Q) that end F smoothly at Qmax.

use super::Window;
use std::f64::consts::PI;

impl Window {
    /// W at Q, with x = πQ/Qmax; 1 at Q = 0.
    pub fn weight(self, q: f64, q_max: f64) -> f64 {
        let x = PI * q / q_max;
        match self {
            Window::None => 1.0,
            Window::Lorch if x < 1e-6 => 1.0,
            Window::Lorch => x.sin() / x,
            // 1 − x²/10 + …: below 1e-2 the difference of the closed form has lost digits.
            Window::SoperBarney if x < 1e-2 => 1.0 - 0.1 * x * x,
            Window::SoperBarney => 3.0 * (x.sin() - x * x.cos()) / (x * x * x),
            Window::Cosine => (0.5 * x).cos(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_start_at_one_and_end_where_their_formula_ends() {
        let all = [Window::None, Window::Lorch, Window::SoperBarney, Window::Cosine];
        for (window, end) in all.into_iter().zip([1.0, 0.0, 3.0 / (PI * PI), 0.0]) {
            assert_eq!(window.weight(0.0, 20.0), 1.0);
            assert!((window.weight(20.0, 20.0) - end).abs() < 1e-12, "{window:?}");
            // No step where the series takes over.
            for x in [1e-6, 1e-2] {
                let q = 20.0 * x / PI;
                assert!((window.weight(q * 0.999, 20.0) - window.weight(q * 1.001, 20.0)).abs() < 1e-6);
            }
        }
    }
}
