// The sums of [E4]: one workgroup of 64 lanes computes one bin of one region for all frames of a pass. Lane k takes
// entries k, k + 64, …; every BLOCK terms its sums are put away into totals, which keeps each chain of additions
// short; a tree adds the lanes. No atomics: the same bits each time.
//
// A sum of n terms passes through at most d = BLOCK + n/(64·BLOCK) + 8 roundings, so its error is at most
// d·u·Σ|term|, u = 2⁻²⁴: 2e-6 for a thousand entries, 5e-6 for 1e5; in practice some 1e-7.
//
// The workgroup after the last bin stamps the pass: it writes `number`, by which the host knows that this pass ran.

@group(0) @binding(0) var<uniform> params: PassParams;
@group(0) @binding(1) var<uniform> chunk: ChunkParams;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read> entries: array<Entry>;
@group(0) @binding(4) var<storage, read> norm: array<f32>;
@group(0) @binding(5) var<storage, read> signal: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> variance: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> sums: array<GroupSums>;

const BLOCK: u32 = 32u;

var<workgroup> lanes_0: array<GroupSums, 64>;
var<workgroup> lanes_1: array<GroupSums, 64>;

fn zero() -> GroupSums {
    return GroupSums(vec4<f32>(), vec4<f32>(), vec4<f32>(), vec4<u32>());
}

fn added(a: GroupSums, b: GroupSums) -> GroupSums {
    return GroupSums(a.signal + b.signal, a.variance + b.variance, a.norm + b.norm, a.excluded + b.excluded);
}

// Sums with one entry more: four frames of pixel `pixel`.
fn with_entry(sums: GroupSums, entry: Entry, pixel: u32, group: u32) -> GroupSums {
    let weight = entry.weight;
    let v = variance[pixel * GROUPS + group];
    let valid = v >= vec4<f32>();
    let used_norm = select(vec4<f32>(), vec4<f32>(norm[pixel]), valid);
    let used_variance = select(vec4<f32>(), v, valid);
    return GroupSums(
        fma(vec4<f32>(weight), signal[pixel * GROUPS + group], sums.signal),
        fma(vec4<f32>(weight * weight), used_variance, sums.variance),
        fma(vec4<f32>(weight), used_norm, sums.norm),
        sums.excluded + select(vec4<u32>(entry.pixel >> 31u), vec4<u32>(), valid),
    );
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let bin = workgroup_index(workgroup, workgroups);
    if (bin > chunk.bins) {
        return;
    }
    if (bin == chunk.bins) {
        if (lane == 0u) {
            var stamp = zero();
            stamp.excluded.x = params.number;
            sums[bin * GROUPS] = stamp;
        }
        return;
    }

    let end = starts[bin + 1u];
    var total_0 = zero();
    var total_1 = zero();
    var block_0 = zero();
    var block_1 = zero();
    var terms = 0u;
    for (var e = starts[bin] + lane; e < end; e += 64u) {
        let entry = entries[e];
        let pixel = entry.pixel & ~HOME;
        block_0 = with_entry(block_0, entry, pixel, 0u);
        if (GROUPS == 2u) {
            block_1 = with_entry(block_1, entry, pixel, 1u);
        }
        terms += 1u;
        if (terms == BLOCK) {
            terms = 0u;
            total_0 = added(total_0, block_0);
            block_0 = zero();
            total_1 = added(total_1, block_1);
            block_1 = zero();
        }
    }
    lanes_0[lane] = added(total_0, block_0);
    lanes_1[lane] = added(total_1, block_1);
    workgroupBarrier();
    for (var stride = 32u; stride > 0u; stride /= 2u) {
        if (lane < stride) {
            lanes_0[lane] = added(lanes_0[lane], lanes_0[lane + stride]);
            lanes_1[lane] = added(lanes_1[lane], lanes_1[lane + stride]);
        }
        workgroupBarrier();
    }
    if (lane == 0u) {
        sums[bin * GROUPS] = lanes_0[0];
        if (GROUPS == 2u) {
            sums[bin * GROUPS + 1u] = lanes_1[0];
        }
    }
}
