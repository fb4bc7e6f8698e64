// Filtered sums of [E4d]: one workgroup of 64 lanes looks at one bin of one region in four frames of a pass, as often as the
// filter needs. Its f64 twin is `Filter` in src/integrate/filter.rs. Lane k takes entries k, k + 64, …; a tree adds the
// lanes. No atomics: the same bits each time.
//
// Numbers are single precision, u = 2⁻²⁴: x = signal/norm is good to some 100u, as norm is. So against the same in f64
// - a pixel whose deviance or squared deviation is within 1e-3 of the threshold's may be judged otherwise,
// - a quantile is that of a share of the weight within 1e-5 of the one that was asked for;
// apart from that sums are good to what `integrate` states.
//
// The workgroup after the last bin stamps the pass.

@group(0) @binding(8) var<uniform> filter_params: FilterParams;

// Twins of the constants of the same names, which a test of src/engine/gpu/filter.rs compares.
const COUNTS_OF_A_MEDIAN: f32 = 1.0;
const SIGMAS_PER_MAD: f32 = 1.4826022;
const HALF_PI: f32 = 1.5707964;
// Below this share of the weight on other pixels a bin has one pixel: what single precision can tell.
const ONE_PIXEL: f32 = 1e-6;

// Sums over some pixels of a bin: x is taken from an origin.
struct Around {
    norm: vec4<f32>,
    norm2: vec4<f32>,
    value: vec4<f32>,
    value2: vec4<f32>,
    square2: vec4<f32>,
    variance: vec4<f32>,
    variance2: vec4<f32>,
}

// Where pixels of a bin are expected.
struct Ring {
    mean: vec4<f32>,
    spread: vec4<f32>,
}

var<workgroup> arounds: array<Around, 64>;
var<workgroup> settled: u32;

fn around_added(a: Around, b: Around) -> Around {
    return Around(
        a.norm + b.norm,
        a.norm2 + b.norm2,
        a.value + b.value,
        a.value2 + b.value2,
        a.square2 + b.square2,
        a.variance + b.variance,
        a.variance2 + b.variance2,
    );
}

fn nothing() -> Around {
    let zero = vec4<f32>();
    return Around(zero, zero, zero, zero, zero, zero, zero);
}

// 2[c ln(c/λ) − (c − λ)] for c = λ + excess counts where λ are expected.
fn deviance(excess: f32, expected: f32) -> f32 {
    if (expected <= 0.0) {
        return select(0.0, 3e38, excess > 0.0);
    }
    let d = excess / expected;
    if (d <= -1.0) {
        return 2.0 * expected;
    }
    if (abs(d) > 0.3) {
        return 2.0 * expected * ((1.0 + d) * log(1.0 + d) - d);
    }
    // (1 + d) ln(1 + d) − d = d² Σ (−d)ᵏ/((k + 1)(k + 2)); what is left out is below 1e-8 of it.
    var series = 0.0;
    for (var k = 14; k >= 0; k -= 1) {
        series = 1.0 / f32((k + 1) * (k + 2)) - d * series;
    }
    return 2.0 * excess * d * series;
}

// Which frames keep a pixel: it is within √limit standard deviations, with `more` expected counts.
fn keeps(ring: Ring, p: Part, more: f32) -> vec4<bool> {
    let off = p.value - ring.mean;
    if (filter_params.error_model == ERROR_AZIMUTHAL) {
        return p.valid & (off * off <= filter_params.limit * ring.spread * ring.spread);
    }
    let excess = off * p.norm;
    let expected = ring.spread * p.norm + more;
    let bound = select(expected + excess, expected, excess > vec4<f32>());
    var kept = excess * excess <= filter_params.limit * bound;
    for (var i = 0u; i < 4u; i += 1u) {
        if (!kept[i] && p.valid[i]) {
            kept[i] = deviance(excess[i], expected[i]) <= filter_params.limit;
        }
    }
    return p.valid & kept;
}

// Sums over the kept pixels, with the ring's mean as origin.
fn around(bin: Bin, ring: Ring, more: f32) -> Around {
    var total = nothing();
    var block = nothing();
    var terms = 0u;
    for (var e = bin.first + bin.lane; e < bin.end; e += 64u) {
        let p = part(entries[e], bin.group);
        let kept = keeps(ring, p, more);
        let zero = vec4<f32>();
        let weight = select(zero, vec4<f32>(p.share * p.norm), kept);
        let off = select(zero, p.value - ring.mean, kept);
        let v = select(zero, p.variance, kept);
        let weight2 = weight * weight;
        block = around_added(block, Around(
            weight,
            weight2,
            weight * off,
            weight2 * off,
            weight2 * off * off,
            p.share * v,
            p.share * p.share * v,
        ));
        terms += 1u;
        if (terms % BLOCK == 0u) {
            total = around_added(total, block);
            block = nothing();
        }
    }
    workgroupBarrier();
    arounds[bin.lane] = around_added(total, block);
    workgroupBarrier();
    for (var stride = 32u; stride > 0u; stride /= 2u) {
        if (bin.lane < stride) {
            arounds[bin.lane] = around_added(arounds[bin.lane], arounds[bin.lane + stride]);
        }
        workgroupBarrier();
    }
    return arounds[0];
}

// Σ ω²(x − mean)².
fn scatter(a: Around) -> vec4<f32> {
    let mean = a.value / a.norm;
    return max(a.square2 - 2.0 * mean * a.value2 + mean * mean * a.norm2, vec4<f32>());
}

fn ring_of(a: Around, origin: vec4<f32>) -> Ring {
    var spread = a.variance / a.norm;
    if (filter_params.error_model == ERROR_AZIMUTHAL) {
        spread = sqrt(scatter(a) / a.norm2);
    }
    return Ring(origin + a.value / a.norm, spread);
}

// 1 − Σ ω²/(Σ ω)² of the kept pixels, as a sum that does not cancel.
fn others(bin: Bin, ring: Ring, more: f32, norm: vec4<f32>) -> vec4<f32> {
    var sum = vec4<f32>();
    for (var e = bin.first + bin.lane; e < bin.end; e += 64u) {
        let p = part(entries[e], bin.group);
        let weight = p.share * p.norm;
        sum += select(vec4<f32>(), weight * (norm - weight), keeps(ring, p, more));
    }
    return reduced(bin.lane, sum) / (norm * norm);
}

fn start(bin: Bin) -> Ring {
    let none = vec4<f32>();
    let mean = median(bin, VALUE, none);
    let counting = median(bin, COUNTING, none);
    if (filter_params.error_model == ERROR_POISSON) {
        return Ring(mean, counting);
    }
    let n = median(bin, NORM, none);
    let of_counting = sqrt((counting + COUNTS_OF_A_MEDIAN / n) / n);
    return Ring(mean, max(of_counting, SIGMAS_PER_MAD * median(bin, DEVIATION, mean)));
}

fn sigma_clip(bin: Bin) -> GroupSums {
    var ring = start(bin);
    var more = COUNTS_OF_A_MEDIAN;
    var kept = around(bin, ring, more);
    for (var i = 1u; i < filter_params.iterations; i += 1u) {
        // A frame of which nothing is left stays as it is; its ring has no mean.
        let next = ring_of(kept, ring.mean);
        let alive = kept.norm > vec4<f32>();
        let changed = alive & ((next.mean != ring.mean) | (next.spread != ring.spread));
        if (bin.lane == 0u) {
            settled = select(1u, 0u, any(changed));
        }
        if (workgroupUniformLoad(&settled) == 1u) {
            break;
        }
        ring = Ring(select(ring.mean, next.mean, alive), select(ring.spread, next.spread, alive));
        more = 0.0;
        let again = around(bin, ring, more);
        let zero = vec4<f32>();
        kept = Around(
            select(zero, again.norm, alive),
            select(zero, again.norm2, alive),
            select(zero, again.value, alive),
            select(zero, again.value2, alive),
            select(zero, again.square2, alive),
            select(zero, again.variance, alive),
            select(zero, again.variance2, alive),
        );
    }
    var result = GroupSums(kept.value + ring.mean * kept.norm, kept.variance2, kept.norm);
    if (filter_params.error_model == ERROR_AZIMUTHAL) {
        let rest = others(bin, ring, more, kept.norm);
        result.variance = select(kept.variance2, scatter(kept) / rest, rest > vec4<f32>(ONE_PIXEL));
    }
    let empty = kept.norm == vec4<f32>();
    result.signal = select(result.signal, vec4<f32>(), empty);
    result.variance = select(result.variance, vec4<f32>(), empty);
    return result;
}

fn weighted_median(bin: Bin) -> GroupSums {
    let none = vec4<f32>();
    let total = weight_up_to(bin, VALUE, true, none, vec4<u32>(0xffffffffu));
    let middle = quantile(bin, VALUE, true, none, 0.5 * total, false);
    // Pixels that have the median share its variance.
    var size = vec4<f32>();
    var tied = vec4<f32>();
    var counting = vec4<f32>();
    for (var e = bin.first + bin.lane; e < bin.end; e += 64u) {
        let p = part(entries[e], bin.group);
        let weight = p.share * p.norm;
        let here = p.valid & (key(p.value) == middle);
        size += select(vec4<f32>(), vec4<f32>(p.share * weight), p.valid);
        tied += select(vec4<f32>(), vec4<f32>(weight), here);
        counting += select(vec4<f32>(), p.share * p.variance, here);
    }
    size = reduced(bin.lane, size);
    tied = reduced(bin.lane, tied);
    counting = reduced(bin.lane, counting);
    let empty = total == vec4<f32>();
    return GroupSums(
        select(of_key(middle) * total, vec4<f32>(), empty),
        select(HALF_PI * size * counting / tied, vec4<f32>(), empty),
        total,
    );
}

fn trimmed_mean(bin: Bin) -> GroupSums {
    let none = vec4<f32>();
    let total = weight_up_to(bin, VALUE, true, none, vec4<u32>(0xffffffffu));
    let lower = filter_params.quantiles.x * total;
    let upper = filter_params.quantiles.y * total;
    let first = quantile(bin, VALUE, true, none, lower, true);
    let last = quantile(bin, VALUE, true, none, upper, false);
    let up_to_first = weight_up_to(bin, VALUE, true, none, first);
    let below_last = weight_up_to(bin, VALUE, true, none, last - vec4<u32>(1u));
    let origin = of_key(first);
    let top = of_key(last) - origin;

    var between = vec4<f32>();
    var value = vec4<f32>();
    var winsorized = vec4<f32>();
    var norm2 = vec4<f32>();
    var rest = vec4<f32>();
    var variance2 = vec4<f32>();
    for (var e = bin.first + bin.lane; e < bin.end; e += 64u) {
        let p = part(entries[e], bin.group);
        let k = key(p.value);
        let weight = select(none, vec4<f32>(p.share * p.norm), p.valid);
        let off = select(none, clamp(p.value - origin, none, top), p.valid);
        let inside = p.valid & (k > first) & (k < last);
        between += select(none, weight, inside);
        value += select(none, weight * off, inside);
        winsorized += weight * off;
        norm2 += weight * weight;
        rest += weight * (total - weight);
        variance2 += select(none, p.share * p.share * p.variance, p.valid);
    }
    between = reduced(bin.lane, between);
    value = reduced(bin.lane, value);
    winsorized = reduced(bin.lane, winsorized);
    norm2 = reduced(bin.lane, norm2);
    rest = reduced(bin.lane, rest) / (total * total);
    variance2 = reduced(bin.lane, variance2);

    // Pixels at the ends count with the part of their weight that is between the quantiles.
    let one = first == last;
    let of_first = up_to_first - lower;
    let of_last = max(upper - below_last, none);
    let kept = select(of_first + between + of_last, upper - lower, one);
    let signal = origin * kept + select(value + top * of_last, none, one);

    let mean = winsorized / total;
    var spread = none;
    for (var e = bin.first + bin.lane; e < bin.end; e += 64u) {
        let p = part(entries[e], bin.group);
        let off = clamp(p.value - origin, none, top) - mean;
        spread += select(none, p.share * p.norm * off * off, p.valid);
    }
    spread = reduced(bin.lane, spread) / total;
    let variance = select(variance2, spread * norm2 / rest, rest > vec4<f32>(ONE_PIXEL));
    let empty = total == none;
    return GroupSums(select(signal, none, empty), select(variance, none, empty), select(kept, none, empty));
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = workgroup_index(workgroup, workgroups);
    let number = index / GROUPS;
    if (number >= chunk.bins) {
        if (index == chunk.bins * GROUPS && lane == 0u) {
            sums[index] = stamp();
        }
        return;
    }
    let bin = Bin(starts[number], starts[number + 1u], index % GROUPS, lane);
    var result = zero();
    // Known when the stage is compiled, so that it holds no more registers than its filter needs.
    if (FILTER == FILTER_SIGMA_CLIP) {
        result = sigma_clip(bin);
    } else if (FILTER == FILTER_MEDIAN) {
        result = weighted_median(bin);
    } else {
        result = trimmed_mean(bin);
    }
    if (lane == 0u) {
        sums[index] = result;
    }
}
