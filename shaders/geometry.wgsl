// Pixel geometry: one lane per pixel, 64 per workgroup, once per plan and strip of the detector. Writes norm = flat · Π factors of [E2], [E3],
// [E5] and the air path; its f64 twin is `norm` of the integration plan.
//
// No angle is formed. With t the ray in the laboratory frame [E1] in units of the distance, |t|² = 1 + p1² + p2²
// (a rotation keeps lengths) and
//     cos²2θ = t3²/|t|²,   sin²2θ cos 2χ = (t2² − t1²)/|t|²,   cos α = 1/|t|,
// so that ½[1 + cos²2θ − f cos 2χ sin²2θ] = [t3² + ½(1 + f) t1² + ½(1 − f) t2²]/|t|², a sum of positive terms.
// 1/cos 2θ − 1 = (t1² + t2²)/(t3 (|t| + t3)), which does not cancel at small angles.
//
// Relative error of norm, u = 2⁻²⁴, s = sin 2θ, c = cos 2θ: the sum of, for each factor present,
//     solid angle 30u;  polarization (25/√P + 25)u;  sensor 50u;
//     air path {μL[16 s/(c(1 + c)) + (1/c − 1)(34 + 8/c)] + 8}u;
// and u for each product. (Coordinates are good to 3u, components of t to 7u|t|, |t|² to 9u; inverseSqrt, exp and
// division as WGSL bounds them: 2, 3 + 2x and 2.5 units in the last place.)

@group(0) @binding(0) var<uniform> geometry: GeometryParams;
@group(0) @binding(1) var<storage, read> factors: array<Factor>;
@group(0) @binding(2) var<storage, read> flat_field: array<f32>;
@group(0) @binding(3) var<storage, read_write> norm: array<f32>;

// Distance from the point of normal incidence in units of the sample-to-detector distance.
fn coordinate(axis: Axis, index: u32) -> f32 {
    return ((axis.sign * f32(index) + axis.origin_high) + axis.origin_low) * axis.step;
}

// 1 − exp(−x) for x ≥ 0. Below ½ by its Taylor series (what is left out is below 1e-9 of the sum), above it the
// difference loses no more than a factor 2.
fn absorbed(x: f32) -> f32 {
    if (x >= 0.5) {
        return 1.0 - exp(-x);
    }
    var series = 1.0 - x / 9.0;
    series = 1.0 - x / 8.0 * series;
    series = 1.0 - x / 7.0 * series;
    series = 1.0 - x / 6.0 * series;
    series = 1.0 - x / 5.0 * series;
    series = 1.0 - x / 4.0 * series;
    series = 1.0 - x / 3.0 * series;
    series = 1.0 - x / 2.0 * series;
    return x * series;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let pixel = workgroup_index(group, groups) * 64u + lane;
    if (pixel >= geometry.pixels) {
        return;
    }
    let on_detector = geometry.first + pixel;
    let p1 = coordinate(geometry.slow, on_detector / geometry.columns);
    let p2 = coordinate(geometry.fast, on_detector % geometry.columns);
    let p = vec3<f32>(p1, p2, 1.0);
    let t1 = dot(geometry.rotation[0].xyz, p);
    let t2 = dot(geometry.rotation[1].xyz, p);
    let t3 = dot(geometry.rotation[2].xyz, p);
    let length_squared = 1.0 + p1 * p1 + p2 * p2;
    let cos_incidence = inverseSqrt(length_squared);
    let length = length_squared * cos_incidence;

    var value = 1.0;
    if (geometry.has_flat != 0u) {
        value = flat_field[pixel];
    }
    for (var i = 0u; i < geometry.factors; i += 1u) {
        let factor = factors[i];
        switch factor.kind {
            case FACTOR_SOLID_ANGLE: {
                value *= cos_incidence * cos_incidence * cos_incidence;
            }
            case FACTOR_POLARIZATION: {
                // a = ½(1 + f), b = ½(1 − f)
                value *= (t3 * t3 + factor.a * t1 * t1 + factor.b * t2 * t2) / length_squared;
            }
            case FACTOR_SENSOR: {
                // a = μt, b = 1/η0
                value *= absorbed(factor.a * length) * factor.b;
            }
            case FACTOR_AIR: {
                // a = μL; a ray at 90° or more never leaves the air
                if (t3 > 0.0) {
                    value *= exp(-factor.a * ((t1 * t1 + t2 * t2) / (t3 * (length + t3))));
                } else {
                    value = 0.0;
                }
            }
            default: {}
        }
    }
    norm[pixel] = value;
}
