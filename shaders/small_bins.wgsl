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
    let end = starts[slice + 1u];
    var total_0 = zero();
    var total_1 = zero();
    var block_0 = zero();
    var block_1 = zero();
    var terms = 0u;
    for (var e = starts[slice] + lane; e < end; e += 64u) {
        let entry = entries[e];
        if (entry.pixel == NO_PIXEL) {
            break;
        }
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
    sums[bin * GROUPS] = added(total_0, block_0);
    if (GROUPS == 2u) {
        sums[bin * GROUPS + 1u] = added(total_1, block_1);
    }
}
