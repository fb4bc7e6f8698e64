// The sums of [E4] of bins with few pixels, as a cake has them: one lane computes one bin for all frames of a pass, 64 bins
// per workgroup. The entries of 64 bins stand in rows, entry j of lane l at 64·j + l from where theirs start, so that
// neighbouring lanes read neighbouring entries; shorter bins end with NO_PIXEL. No atomics: the same bits each time.
//
// A bin has at most 64 entries here, so that its sums pass through at most BLOCK + 2 + 1 roundings.
//
// The workgroup after the last bins stamps the pass.

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let slice = workgroup_index(workgroup, workgroups);
    let slices = (chunk.bins + 63u) / 64u;
    if (slice >= slices) {
        if (slice == slices && lane == 0u) {
            sums[chunk.bins * GROUPS] = stamp();
        }
        return;
    }
    let bin = slice * 64u + lane;
    if (bin >= chunk.bins) {
        return;
    }
    let of_lane = summed(starts[slice] + lane, starts[slice + 1u]);
    sums[bin * GROUPS] = of_lane.first;
    if (GROUPS == 2u) {
        sums[bin * GROUPS + 1u] = of_lane.second;
    }
}
