// Quantiles along a bin, for `filter`. One is found by halving: order-keeping integers stand for the numbers, and for each of
// their 32 bits the weight of those below is summed. Such a sum grows with each term, rounded or not, so that the halving
// ends at one of the numbers.

// What is compared: signal/norm, variance/norm, norm, the distance of signal/norm from a mean.
const VALUE: u32 = 0u;
const COUNTING: u32 = 1u;
const NORM: u32 = 2u;
const DEVIATION: u32 = 3u;

// A bin in four frames.
struct Bin {
    first: u32,
    end: u32,
    group: u32,
    lane: u32,
}

// A pixel in a bin.
struct Part {
    share: f32,
    norm: f32,
    value: vec4<f32>,
    variance: vec4<f32>,
    valid: vec4<bool>,
}

var<workgroup> lanes: array<vec4<f32>, 64>;

fn part(entry: Entry, group: u32) -> Part {
    let n = norm[entry.pixel];
    let s = signal[entry.pixel * GROUPS + group];
    var v = s;
    if (!PLAIN) {
        v = variance[entry.pixel * GROUPS + group];
    }
    return Part(entry.weight, n, s / n, v, v >= vec4<f32>());
}

// The sum over all lanes.
fn reduced(lane: u32, value: vec4<f32>) -> vec4<f32> {
    workgroupBarrier();
    lanes[lane] = value;
    workgroupBarrier();
    for (var stride = 32u; stride > 0u; stride /= 2u) {
        if (lane < stride) {
            lanes[lane] += lanes[lane + stride];
        }
        workgroupBarrier();
    }
    return lanes[0];
}

// Whole numbers in the order of the numbers, and back.
fn key(x: vec4<f32>) -> vec4<u32> {
    let bits = bitcast<vec4<u32>>(x);
    return select(bits | vec4<u32>(0x80000000u), ~bits, bits >= vec4<u32>(0x80000000u));
}

fn of_key(key: vec4<u32>) -> vec4<f32> {
    let positive = key >= vec4<u32>(0x80000000u);
    return bitcast<vec4<f32>>(select(~key, key & vec4<u32>(0x7fffffffu), positive));
}

fn measure(what: u32, p: Part, mean: vec4<f32>) -> vec4<f32> {
    switch what {
        case VALUE: {
            return p.value;
        }
        case COUNTING: {
            return p.variance / p.norm;
        }
        case NORM: {
            return vec4<f32>(p.norm);
        }
        default: {
            return abs(p.value - mean);
        }
    }
}

// Weight of the pixels whose measure has a key up to `limit`: w·norm, or 1 each.
fn weight_up_to(bin: Bin, what: u32, weighted: bool, mean: vec4<f32>, limit: vec4<u32>) -> vec4<f32> {
    var total = vec4<f32>();
    var block = vec4<f32>();
    var terms = 0u;
    for (var e = bin.first + bin.lane; e < bin.end; e += 64u) {
        let p = part(entries[e], bin.group);
        let counts = p.valid & (key(measure(what, p, mean)) <= limit);
        let weight = select(1.0, p.share * p.norm, weighted);
        block += select(vec4<f32>(), vec4<f32>(weight), counts);
        terms += 1u;
        if (terms % BLOCK == 0u) {
            total += block;
            block = vec4<f32>();
        }
    }
    return reduced(bin.lane, total + block);
}

// Key of the smallest measure up to which the weight reaches `target`, or goes `beyond` it.
fn quantile(
    bin: Bin,
    what: u32,
    weighted: bool,
    mean: vec4<f32>,
    target_weight: vec4<f32>,
    beyond: bool,
) -> vec4<u32> {
    var found = vec4<u32>();
    for (var bit = 0x80000000u; bit > 0u; bit >>= 1u) {
        let weight = weight_up_to(bin, what, weighted, mean, found | vec4<u32>(bit - 1u));
        let reached = select(weight >= target_weight, weight > target_weight, vec4<bool>(beyond));
        found = select(found | vec4<u32>(bit), found, reached);
    }
    return found;
}

// The lower median of an even number, each pixel counting as one.
fn median(bin: Bin, what: u32, mean: vec4<f32>) -> vec4<f32> {
    let pixels = weight_up_to(bin, VALUE, false, mean, vec4<u32>(0xffffffffu));
    let middle = floor(0.5 * (pixels - 1.0)) + 1.0;
    return of_key(quantile(bin, what, false, mean, middle, false));
}
