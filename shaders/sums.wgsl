// What `integrate`, `small_bins` and `filter` share: their bindings, and the sums of [E4] of one bin.

@group(0) @binding(0) var<uniform> params: PassParams;
@group(0) @binding(1) var<uniform> chunk: ChunkParams;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read> entries: array<Entry>;
@group(0) @binding(4) var<storage, read> norm: array<f32>;
@group(0) @binding(5) var<storage, read> signal: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> variance: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> sums: array<GroupSums>;

// Terms that are added one after the other; then their sums are put away into totals, which keeps chains of additions short.
const BLOCK: u32 = 32u;

fn zero() -> GroupSums {
    return GroupSums(vec4<f32>(), vec4<f32>(), vec4<f32>());
}

fn added(a: GroupSums, b: GroupSums) -> GroupSums {
    return GroupSums(a.signal + b.signal, a.variance + b.variance, a.norm + b.norm);
}

// Sums with one entry more: four frames of its pixel.
fn with_entry(sums: GroupSums, entry: Entry, group: u32) -> GroupSums {
    let weight = entry.weight;
    let s = signal[entry.pixel * GROUPS + group];
    var v = s;
    if (!PLAIN) {
        v = variance[entry.pixel * GROUPS + group];
    }
    let valid = v >= vec4<f32>();
    let used_signal = select(vec4<f32>(), s, valid);
    let used_variance = select(vec4<f32>(), v, valid);
    let used_norm = select(vec4<f32>(), vec4<f32>(norm[entry.pixel]), valid);
    return GroupSums(
        fma(vec4<f32>(weight), used_signal, sums.signal),
        fma(vec4<f32>(weight * weight), used_variance, sums.variance),
        fma(vec4<f32>(weight), used_norm, sums.norm),
    );
}

// The sums of one lane: both groups of four frames; the second is empty where there is one group.
struct LaneSums {
    first: GroupSums,
    second: GroupSums,
}

// Every 64th entry from `begin` on, up to `end` or to where the bin's padding begins.
fn summed(begin: u32, end: u32) -> LaneSums {
    var total = LaneSums(zero(), zero());
    var block = LaneSums(zero(), zero());
    var terms = 0u;
    for (var e = begin; e < end; e += 64u) {
        let entry = entries[e];
        if (entry.pixel == NO_PIXEL) {
            break;
        }
        block.first = with_entry(block.first, entry, 0u);
        if (GROUPS == 2u) {
            block.second = with_entry(block.second, entry, 1u);
        }
        terms += 1u;
        if (terms == BLOCK) {
            terms = 0u;
            total = LaneSums(added(total.first, block.first), added(total.second, block.second));
            block = LaneSums(zero(), zero());
        }
    }
    return LaneSums(added(total.first, block.first), added(total.second, block.second));
}

// What the host knows by that this pass ran: it is written behind the last bin.
fn stamp() -> GroupSums {
    var stamp = zero();
    stamp.signal.x = f32(params.number);
    return stamp;
}
