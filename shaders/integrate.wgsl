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

    let of_lane = summed(starts[bin] + lane, starts[bin + 1u]);
    lanes_0[lane] = of_lane.first;
    lanes_1[lane] = of_lane.second;
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
