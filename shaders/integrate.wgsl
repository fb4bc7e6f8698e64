// The sums of [E4] of bins with many pixels: one workgroup of 64 lanes computes one bin of one region for all frames of a
// pass. Lane k takes entries k, k + 64, …, blocks of them at a time; a tree adds the lanes. No atomics: the same bits each
// time.
//
// A sum of n terms passes through at most d = BLOCK + n/(64·BLOCK) + 8 roundings, so its error is at most
// d·u·Σ|term|, u = 2⁻²⁴: 2e-6 for a thousand entries, 5e-6 for 1e5; in practice some 1e-7.
//
// The workgroup after the last bin stamps the pass.

var<workgroup> lanes_0: array<GroupSums, 64>;
var<workgroup> lanes_1: array<GroupSums, 64>;

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
            sums[bin * GROUPS] = stamp();
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
        block_0 = with_entry(block_0, entry, 0u);
        if (GROUPS == 2u) {
            block_1 = with_entry(block_1, entry, 1u);
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
