//! Why there is no G(r).

/// An r axis that cannot be meant, or a F(Q) of another plan.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TransformError {
    /// The r axis.
    #[error(
        "the r axis starts at {start} Å with steps of {step} Å and {count} points; expected a start of 0 or more, a positive step and at least 2 points"
    )]
    Axis {
        /// First point.
        start: f64,
        /// Step.
        step: f64,
        /// Points.
        count: usize,
    },
    /// The matrix would not fit into memory.
    #[error(
        "{r_points} points of r times {q_points} points of Q are more than {limit} numbers; use a larger r step, a shorter r range or fewer Q bins"
    )]
    TooLarge {
        /// Rows.
        r_points: usize,
        /// Columns.
        q_points: usize,
        /// Most that is built.
        limit: usize,
    },
    /// F stands on other points.
    #[error("F(Q) has {found} points, the transform was made for {expected}")]
    Length {
        /// Its points.
        found: usize,
        /// The plan's.
        expected: usize,
    },
}
