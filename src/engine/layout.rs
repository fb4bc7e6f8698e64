//! Mirrors of the structures in `shaders/common.wgsl`; a test parses the WGSL and compares sizes and offsets.

use bytemuck::{Pod, Zeroable};

/// Frames that one pass can take at most: two groups of four.
pub(crate) const MAX_FRAMES: usize = 8;

/// Frames that share one vec4 on the card.
pub(crate) const GROUP: usize = 4;

/// Lanes of every workgroup.
pub(crate) const LANES: usize = 64;

/// [`Entry::pixel`] of what fills up the entries of a bin.
pub(crate) const NO_PIXEL: u32 = u32::MAX;

/// Kinds of [`Factor`].
pub(crate) const FACTOR_SOLID_ANGLE: u32 = 0;
pub(crate) const FACTOR_POLARIZATION: u32 = 1;
pub(crate) const FACTOR_SENSOR: u32 = 2;
pub(crate) const FACTOR_AIR: u32 = 3;

/// Types of counts.
pub(crate) const COUNTS_U16: u32 = 0;
pub(crate) const COUNTS_I16: u32 = 1;
pub(crate) const COUNTS_U32: u32 = 2;
pub(crate) const COUNTS_I32: u32 = 3;
pub(crate) const COUNTS_F32: u32 = 4;

/// Kinds of filters.
pub(crate) const FILTER_SIGMA_CLIP: u32 = 0;
pub(crate) const FILTER_MEDIAN: u32 = 1;
pub(crate) const FILTER_TRIMMED_MEAN: u32 = 2;

/// Error models of [`FilterParams`].
pub(crate) const ERROR_POISSON: u32 = 0;
pub(crate) const ERROR_AZIMUTHAL: u32 = 1;

/// Models of dead time.
pub(crate) const DEAD_TIME_NONE: u32 = 0;
pub(crate) const DEAD_TIME_NON_PARALYZABLE: u32 = 1;
pub(crate) const DEAD_TIME_PARALYZABLE: u32 = 2;

/// A detector axis: pixel k's centre is ((sign·k + high) + low)·step from the point of normal incidence.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(crate) struct Axis {
    pub(crate) sign: f32,
    pub(crate) origin_high: f32,
    pub(crate) origin_low: f32,
    pub(crate) step: f32,
}

/// Placement of the detector in units of its distance.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(crate) struct GeometryParams {
    pub(crate) rotation: [[f32; 4]; 3],
    pub(crate) slow: Axis,
    pub(crate) fast: Axis,
    pub(crate) pixels: u32,
    pub(crate) columns: u32,
    pub(crate) factors: u32,
    pub(crate) has_flat: u32,
    pub(crate) first: u32,
    pub(crate) unused_1: u32,
    pub(crate) unused_2: u32,
    pub(crate) unused_3: u32,
}

/// One correction and its constants.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(crate) struct Factor {
    pub(crate) kind: u32,
    pub(crate) a: f32,
    pub(crate) b: f32,
    pub(crate) unused: u32,
}

/// One frame of a pass.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(crate) struct FrameParams {
    pub(crate) used: u32,
    pub(crate) last_valid: u32,
    pub(crate) lost_per_count: f32,
    pub(crate) unused: u32,
}

/// One pass over the matrix.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(crate) struct PassParams {
    pub(crate) pixels: u32,
    pub(crate) count_type: u32,
    pub(crate) words_per_frame: u32,
    pub(crate) number: u32,
    pub(crate) dead_time: u32,
    pub(crate) has_dark: u32,
    pub(crate) used_frames: u32,
    pub(crate) unused: u32,
    pub(crate) frames: [FrameParams; MAX_FRAMES],
}

/// Dark counts of one pixel.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(crate) struct Dark {
    pub(crate) counts: f32,
    pub(crate) variance: f32,
}

/// Bins in one binding.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(crate) struct ChunkParams {
    pub(crate) bins: u32,
    pub(crate) unused_1: u32,
    pub(crate) unused_2: u32,
    pub(crate) unused_3: u32,
}

/// One weight of a bin.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(crate) struct Entry {
    pub(crate) pixel: u32,
    pub(crate) weight: f32,
}

/// The sums of one bin for four frames.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(crate) struct GroupSums {
    pub(crate) signal: [f32; GROUP],
    pub(crate) variance: [f32; GROUP],
    pub(crate) norm: [f32; GROUP],
}

/// The numbers of a filter.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(crate) struct FilterParams {
    pub(crate) error_model: u32,
    pub(crate) iterations: u32,
    pub(crate) limit: f32,
    pub(crate) unused_1: u32,
    pub(crate) quantiles: [f32; 2],
    pub(crate) unused_2: u32,
    pub(crate) unused_3: u32,
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;

    /// Size and member offsets of a structure as WGSL lays it out.
    fn wgsl_layout(name: &str) -> (usize, Vec<(String, usize)>) {
        let module = naga::front::wgsl::parse_str(include_str!("../../shaders/common.wgsl")).unwrap();
        let (_, kind) = module.types.iter().find(|(_, t)| t.name.as_deref() == Some(name)).unwrap();
        let naga::TypeInner::Struct { members, span } = &kind.inner else { panic!("{name} is no structure") };
        let offset_of_member = |m: &naga::StructMember| (m.name.clone().unwrap(), m.offset as usize);
        (*span as usize, members.iter().map(offset_of_member).collect())
    }

    macro_rules! same_layout {
        ($name:ident { $($member:ident),* }) => {{
            let here = vec![$((stringify!($member).to_owned(), offset_of!($name, $member))),*];
            assert_eq!(wgsl_layout(stringify!($name)), (size_of::<$name>(), here), stringify!($name));
        }};
    }

    #[test]
    fn host_and_shader_agree_on_every_structure() {
        same_layout!(Axis { sign, origin_high, origin_low, step });
        same_layout!(GeometryParams {
            rotation,
            slow,
            fast,
            pixels,
            columns,
            factors,
            has_flat,
            first,
            unused_1,
            unused_2,
            unused_3
        });
        same_layout!(Factor { kind, a, b, unused });
        same_layout!(FrameParams { used, last_valid, lost_per_count, unused });
        same_layout!(PassParams {
            pixels,
            count_type,
            words_per_frame,
            number,
            dead_time,
            has_dark,
            used_frames,
            unused,
            frames
        });
        same_layout!(Dark { counts, variance });
        same_layout!(ChunkParams { bins, unused_1, unused_2, unused_3 });
        same_layout!(Entry { pixel, weight });
        same_layout!(FilterParams {
            error_model,
            iterations,
            limit,
            unused_1,
            quantiles,
            unused_2,
            unused_3
        });
        same_layout!(GroupSums { signal, variance, norm });
    }

    macro_rules! same_constants {
        ($($name:ident),*) => { $(assert_eq!(wgsl_constant(stringify!($name)), $name, stringify!($name));)* };
    }

    /// The value of a constant of the shaders.
    fn wgsl_constant(name: &str) -> u32 {
        let module = naga::front::wgsl::parse_str(include_str!("../../shaders/common.wgsl")).unwrap();
        let (_, constant) = module.constants.iter().find(|(_, c)| c.name.as_deref() == Some(name)).unwrap();
        let value = &module.global_expressions[constant.init];
        let naga::Expression::Literal(naga::Literal::U32(value)) = value else {
            panic!("{name} = {value:?}")
        };
        *value
    }

    #[test]
    fn host_and_shader_agree_on_every_constant() {
        same_constants!(NO_PIXEL, FACTOR_SOLID_ANGLE, FACTOR_POLARIZATION, FACTOR_SENSOR, FACTOR_AIR);
        same_constants!(COUNTS_U16, COUNTS_I16, COUNTS_U32, COUNTS_I32, COUNTS_F32);
        same_constants!(FILTER_SIGMA_CLIP, FILTER_MEDIAN, FILTER_TRIMMED_MEAN);
        same_constants!(ERROR_POISSON, ERROR_AZIMUTHAL);
        same_constants!(DEAD_TIME_NONE, DEAD_TIME_NON_PARALYZABLE, DEAD_TIME_PARALYZABLE);
    }
}
