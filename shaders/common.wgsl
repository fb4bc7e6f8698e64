// Structures shared with the host: each has a mirror of the same name in src/engine/layout.rs, compared by a test.
// Prepended to every stage, after three constants: a pass takes 4 · GROUPS frames, four in each vec4; where PLAIN is
// true a pixel's variance is its signal, its counts, so that it is neither stored nor read; FILTER is one of FILTER_*.

// One detector axis. The distance of pixel k's centre from the point of normal incidence, in units of the
// sample-to-detector distance, is ((sign · k + origin_high) + origin_low) · step. origin_high is a whole number, so
// that the inner sum is exact and the difference keeps full relative precision near the point of normal incidence.
struct Axis {
    sign: f32,
    origin_high: f32,
    origin_low: f32,
    step: f32,
}

// Placement of the detector; row i of the rotation is (R_i1, R_i2, R_i3, 0) of [E1]. `pixels` of them are evaluated, from
// pixel `first` of the detector.
struct GeometryParams {
    rotation: array<vec4<f32>, 3>,
    slow: Axis,
    fast: Axis,
    pixels: u32,
    columns: u32,
    factors: u32,
    has_flat: u32,
    first: u32,
    unused_1: u32,
    unused_2: u32,
    unused_3: u32,
}

// One correction: kind (FACTOR_*) and its constants.
struct Factor {
    kind: u32,
    a: f32,
    b: f32,
    unused: u32,
}

// One frame of a pass. `last_valid` is the largest valid count (for f32 counts its bit pattern);
// `lost_per_count` = dead time/exposure.
struct FrameParams {
    used: u32,
    last_valid: u32,
    lost_per_count: f32,
    unused: u32,
}

// One pass: `used_frames` frames of one count type, up to 4 · GROUPS.
struct PassParams {
    pixels: u32,
    count_type: u32,
    words_per_frame: u32,
    number: u32,
    dead_time: u32,
    has_dark: u32,
    used_frames: u32,
    unused: u32,
    frames: array<FrameParams, 8>,
}

// What is subtracted from a pixel, and its variance: negative where the pixel has no dark value and is left out.
struct Dark {
    counts: f32,
    variance: f32,
}

// Bins whose entries are in one binding.
struct ChunkParams {
    bins: u32,
    unused_1: u32,
    unused_2: u32,
    unused_3: u32,
}

// One weight of a bin; NO_PIXEL ends the entries of a bin that are padded to those of its neighbours.
struct Entry {
    pixel: u32,
    weight: f32,
}

// The sums of [E4] of one bin for four frames.
struct GroupSums {
    signal: vec4<f32>,
    variance: vec4<f32>,
    norm: vec4<f32>,
}

// The numbers of a filter, `limit` in squared standard deviations.
struct FilterParams {
    error_model: u32,
    iterations: u32,
    limit: f32,
    unused_1: u32,
    quantiles: vec2<f32>,
    unused_2: u32,
    unused_3: u32,
}

const NO_PIXEL: u32 = 0xffffffffu;

const FACTOR_SOLID_ANGLE: u32 = 0u;
const FACTOR_POLARIZATION: u32 = 1u;
const FACTOR_SENSOR: u32 = 2u;
const FACTOR_AIR: u32 = 3u;

const FILTER_SIGMA_CLIP: u32 = 0u;
const FILTER_MEDIAN: u32 = 1u;
const FILTER_TRIMMED_MEAN: u32 = 2u;

const ERROR_POISSON: u32 = 0u;
const ERROR_AZIMUTHAL: u32 = 1u;

const COUNTS_U16: u32 = 0u;
const COUNTS_I16: u32 = 1u;
const COUNTS_U32: u32 = 2u;
const COUNTS_I32: u32 = 3u;
const COUNTS_F32: u32 = 4u;

const DEAD_TIME_NONE: u32 = 0u;
const DEAD_TIME_NON_PARALYZABLE: u32 = 1u;
const DEAD_TIME_PARALYZABLE: u32 = 2u;

// Index of a workgroup in a dispatch that was laid out in two dimensions because of the limit of one.
fn workgroup_index(group: vec3<u32>, groups: vec3<u32>) -> u32 {
    return group.y * groups.x + group.x;
}
