// Raw counts → signal and variance [E4]: one lane per pixel, 64 per workgroup, all frames of a pass. Frames arrive in
// the type of their file and are converted here; results stand frame beside frame, so that the gather of `integrate`
// reads all frames of a pixel at once. A pixel that is left out of a frame has variance −1 (and signal 0); if PLAIN, signal −1.
// Such pixels of the plan are counted, in whole numbers, so that their order does not matter.
//
// Whether a count is valid is decided on integers (for f32 on bit patterns, which for positive numbers order as the
// numbers do): negative, not finite and saturated counts are all above `last_valid`, exactly as in f64.
//
// Relative errors, u = 2⁻²⁴: counts to 2u (exact below 2²⁴; 33554431 counts, say, keep 24 bits: 6e-8);
// without dead time the variance likewise. Not paralyzable, a = 1/(1 − x), x = counts · τ/t: signal 12 a u, variance
// 48 a u; paralyzable, a = 1/(1 − y), y = n τ: 30 a u and 110 a² u. a is the condition number of the correction
// itself: so much a rounding of the count is worth. Subtracting the dark frame adds u of the difference.

@group(0) @binding(0) var<uniform> params: PassParams;
@group(0) @binding(1) var<storage, read> raw: array<u32>;
@group(0) @binding(2) var<storage, read> dark: array<Dark>;
@group(0) @binding(3) var<storage, read> inside: array<u32>;
@group(0) @binding(4) var<storage, read_write> signal: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> variance: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> excluded_pixels: array<atomic<u32>, 8>;

// 1/e.
const PEAK_RATE: f32 = 0.36787944;

// y = nτ from x = mτ = y·exp(−y), 0 ≤ y < 1: Newton's steps on y − x·exp(y), begun from the series at the branch point
// y = 1 in p = √(2 − 2ex) (Corless et al. 1996, Adv. Comput. Math. 5, 329). Five steps reach rounding for every x.
fn paralyzed_rate(x: f32) -> f32 {
    let p = sqrt(max(2.0 - 2.0 * (x / PEAK_RATE), 0.0));
    var y = 1.0 - p * (1.0 - p * (1.0 / 3.0 - p * (11.0 / 72.0)));
    for (var i = 0; i < 5; i += 1) {
        let counted = x * exp(y);
        y -= (y - counted) / max(1.0 - counted, 1e-3);
    }
    return y;
}

// (signal, variance) of one pixel in frame `slot` of the pass.
fn corrected(slot: u32, pixel: u32) -> vec2<f32> {
    let excluded = vec2<f32>(0.0, -1.0);
    let frame = params.frames[slot];
    if (frame.used == 0u) {
        return excluded;
    }
    let first = slot * params.words_per_frame;
    var key = 0u;
    switch params.count_type {
        case COUNTS_U16: {
            key = (raw[first + pixel / 2u] >> (16u * (pixel % 2u))) & 0xffffu;
        }
        case COUNTS_I16: {
            let half = raw[first + pixel / 2u] >> (16u * (pixel % 2u));
            key = bitcast<u32>(bitcast<i32>(half << 16u) >> 16u);
        }
        default: {
            key = raw[first + pixel];
        }
    }
    if (params.count_type == COUNTS_F32 && key == 0x80000000u) {
        key = 0u; // −0
    }
    if (key > frame.last_valid) {
        return excluded;
    }
    var counts = f32(key);
    if (params.count_type == COUNTS_F32) {
        counts = bitcast<f32>(key);
    }

    var result = vec2<f32>(counts, counts);
    let x = counts * frame.lost_per_count;
    if (params.dead_time == DEAD_TIME_NON_PARALYZABLE) {
        // Slope gain², var(counts) = counts/gain².
        let gain = 1.0 / max(1.0 - x, 1e-7);
        result = vec2<f32>(counts * gain, counts * gain * gain);
    } else if (params.dead_time == DEAD_TIME_PARALYZABLE) {
        let y = paralyzed_rate(x);
        let gain = exp(y);
        let slope = gain / max(1.0 - y, 1e-4);
        // var(counts) = counts·(1 − 2x).
        result = vec2<f32>(counts * gain, counts * (1.0 - 2.0 * x) * slope * slope);
    }
    if (params.has_dark != 0u) {
        let background = dark[pixel];
        if (background.variance < 0.0) {
            return excluded;
        }
        result += vec2<f32>(-background.counts, background.variance);
    }
    return result;
}

// Four frames of one pixel.
fn correct_group(group: u32, pixel: u32) {
    let a = corrected(4u * group, pixel);
    let b = corrected(4u * group + 1u, pixel);
    let c = corrected(4u * group + 2u, pixel);
    let d = corrected(4u * group + 3u, pixel);
    let variances = vec4<f32>(a.y, b.y, c.y, d.y);
    if (PLAIN) {
        signal[pixel * GROUPS + group] = variances;
    } else {
        signal[pixel * GROUPS + group] = vec4<f32>(a.x, b.x, c.x, d.x);
        variance[pixel * GROUPS + group] = variances;
    }
    // `inside` has a bit for each pixel: whether it has entries.
    if (any(variances < vec4<f32>()) && ((inside[pixel / 32u] >> (pixel % 32u)) & 1u) == 1u) {
        for (var i = 0u; i < 4u; i += 1u) {
            let slot = 4u * group + i;
            if (slot < params.used_frames && variances[i] < 0.0) {
                atomicAdd(&excluded_pixels[slot], 1u);
            }
        }
    }
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let pixel = workgroup_index(group, groups) * 64u + lane;
    if (pixel >= params.pixels) {
        return;
    }
    correct_group(0u, pixel);
    if (GROUPS == 2u) {
        correct_group(1u, pixel);
    }
}
