//! Instruction sets, chosen at run time: code that is written once in portable Rust is compiled for each of them.
//!
//! Every set computes the same bits: products and sums are rounded one by one. Only `Vectors::multiply_add` is fused, where the
//! set can.

use std::fmt;

/// An 8 × 8 block of 32-bit words.
pub(crate) type Tile = [[u32; 8]; 8];

/// Numbers that are computed side by side.
pub(crate) const LANES: usize = 8;

/// One number of each lane, in one line of the cache: vectors that straddle two take up to twice the time.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Row(pub(crate) [f64; LANES]);

impl Row {
    pub(crate) const ZERO: Row = Row([0.0; LANES]);

    /// Adds lane by lane.
    #[inline(always)]
    pub(crate) fn add(&mut self, values: &[f64; LANES]) {
        for (sum, value) in self.0.iter_mut().zip(values) {
            *sum += value;
        }
    }
}

/// An instruction set that this processor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstructionSet(Set);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl InstructionSet {
    /// Those of this processor, the slowest first. The first is what the program was compiled for as a whole.
    pub fn available() -> Vec<InstructionSet> {
        let mut sets = vec![Set::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if avx2 {
                sets.push(Set::Avx2);
            }
            if avx2 && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
                sets.push(Set::Avx512);
            }
        }
        sets.into_iter().map(InstructionSet).collect()
    }

    /// The fastest of this processor.
    pub fn best() -> InstructionSet {
        InstructionSet::available().into_iter().next_back().unwrap_or(InstructionSet(Set::Portable))
    }

    /// Runs `work`, compiled for this set.
    #[inline]
    pub(crate) fn run<W: Work>(self, work: W) -> W::Output {
        match self.0 {
            Set::Portable => work.run(Portable),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `available` makes this value only where the processor has AVX2 and FMA.
            Set::Avx2 => unsafe { x86::run_avx2(work) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `available` makes this value only where the processor has AVX2, FMA, AVX-512F and AVX-512VL.
            Set::Avx512 => unsafe { x86::run_avx512(work) },
        }
    }
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Set::Portable if cfg!(target_arch = "x86_64") => "SSE2",
            Set::Portable if cfg!(target_arch = "aarch64") => "NEON",
            Set::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "AVX-512",
        })
    }
}

/// Work that is compiled for each instruction set. `run` and what it calls in its loops must be `#[inline(always)]`: only
/// what is inlined into [`InstructionSet::run`] is compiled for the set.
pub(crate) trait Work {
    /// What comes out.
    type Output;
    /// Does it.
    fn run<V: Vectors>(self, vectors: V) -> Self::Output;
}

/// What the compiler does not find by itself in an instruction set.
pub(crate) trait Vectors: Copy {
    /// Whether 16 sums of eight numbers fit in the registers, not only eight.
    const MANY_REGISTERS: bool;

    /// Rows become columns.
    fn transpose(self, rows: Tile) -> Tile;

    /// sum + weight · values, lane by lane; rounded once where the set has fused instructions, else product and sum by
    /// themselves.
    fn multiply_add(self, weight: f64, values: &Row, sum: Row) -> Row;

    /// Bit i: number i of `values` is at most that of `limits`; no where one of them is not a number.
    fn at_most(self, values: &Row, limits: &Row) -> u8;
}

/// The instruction set that the program was compiled for.
#[derive(Clone, Copy)]
struct Portable;

impl Vectors for Portable {
    const MANY_REGISTERS: bool = false;

    #[inline(always)]
    fn transpose(self, rows: Tile) -> Tile {
        std::array::from_fn(|column| rows.map(|row| row[column]))
    }

    #[inline(always)]
    fn multiply_add(self, weight: f64, values: &Row, sum: Row) -> Row {
        let mut sum = sum;
        for (sum, value) in sum.0.iter_mut().zip(&values.0) {
            // Without the instruction a fused sum is a call of a library.
            *sum = if cfg!(target_arch = "aarch64") {
                weight.mul_add(*value, *sum)
            } else {
                *sum + weight * value
            };
        }
        sum
    }

    #[inline(always)]
    fn at_most(self, values: &Row, limits: &Row) -> u8 {
        let lanes = values.0.iter().zip(&limits.0).enumerate();
        lanes.fold(0, |bits, (lane, (value, limit))| bits | u8::from(value <= limit) << lane)
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Row, Tile, Vectors, Work};

    /// Exists only inside [`run_avx2`].
    #[derive(Clone, Copy)]
    struct Avx2(());

    /// Exists only inside [`run_avx512`].
    #[derive(Clone, Copy)]
    struct Avx512(());

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn run_avx2<W: Work>(work: W) -> W::Output {
        work.run(Avx2(()))
    }

    #[target_feature(enable = "avx2,fma,avx512f,avx512vl")]
    pub(super) fn run_avx512<W: Work>(work: W) -> W::Output {
        work.run(Avx512(()))
    }

    impl Vectors for Avx2 {
        const MANY_REGISTERS: bool = false;

        #[inline(always)]
        fn transpose(self, rows: Tile) -> Tile {
            // SAFETY: a value of this type exists only in functions that require AVX2.
            unsafe { transpose(rows) }
        }

        #[inline(always)]
        fn multiply_add(self, weight: f64, values: &Row, sum: Row) -> Row {
            // SAFETY: a value of this type exists only in functions that require AVX2 and FMA.
            unsafe { multiply_add_avx2(weight, values, sum) }
        }

        #[inline(always)]
        fn at_most(self, values: &Row, limits: &Row) -> u8 {
            // SAFETY: a value of this type exists only in functions that require AVX2.
            unsafe { at_most_avx2(values, limits) }
        }
    }

    impl Vectors for Avx512 {
        const MANY_REGISTERS: bool = true;

        #[inline(always)]
        fn transpose(self, rows: Tile) -> Tile {
            // SAFETY: a value of this type exists only in functions that require AVX2.
            unsafe { transpose(rows) }
        }

        #[inline(always)]
        fn multiply_add(self, weight: f64, values: &Row, sum: Row) -> Row {
            // SAFETY: a value of this type exists only in functions that require AVX-512F.
            unsafe { multiply_add_avx512(weight, values, sum) }
        }

        #[inline(always)]
        fn at_most(self, values: &Row, limits: &Row) -> u8 {
            // SAFETY: a value of this type exists only in functions that require AVX-512F.
            unsafe { at_most_avx512(values, limits) }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn multiply_add_avx2(weight: f64, values: &Row, sum: Row) -> Row {
        let weight = _mm256_set1_pd(weight);
        let [values, sum]: [[__m256d; 2]; 2] = [bytemuck::cast(values.0), bytemuck::cast(sum.0)];
        let halves = [_mm256_fmadd_pd(weight, values[0], sum[0]), _mm256_fmadd_pd(weight, values[1], sum[1])];
        Row(bytemuck::cast(halves))
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn multiply_add_avx512(weight: f64, values: &Row, sum: Row) -> Row {
        let mut sum = sum;
        // SAFETY: a row is eight numbers at a multiple of 64 bytes.
        unsafe {
            let product = (_mm512_set1_pd(weight), _mm512_load_pd(values.0.as_ptr()));
            let added = _mm512_fmadd_pd(product.0, product.1, _mm512_load_pd(sum.0.as_ptr()));
            _mm512_store_pd(sum.0.as_mut_ptr(), added);
        }
        sum
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn at_most_avx2(values: &Row, limits: &Row) -> u8 {
        let [values, limits]: [[__m256d; 2]; 2] = [bytemuck::cast(values.0), bytemuck::cast(limits.0)];
        let half = |i: usize| _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_LE_OQ>(values[i], limits[i]));
        (half(0) | half(1) << 4) as u8
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn at_most_avx512(values: &Row, limits: &Row) -> u8 {
        // SAFETY: a row is eight numbers at a multiple of 64 bytes.
        unsafe {
            let (values, limits) = (_mm512_load_pd(values.0.as_ptr()), _mm512_load_pd(limits.0.as_ptr()));
            _mm512_cmp_pd_mask::<_CMP_LE_OQ>(values, limits)
        }
    }

    /// Pairs of words, then of pairs, then of halves change places.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn transpose(rows: Tile) -> Tile {
        let r: [__m256i; 8] = bytemuck::cast(rows);
        let pairs = |a, b| (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
        let fours = |a, b| (_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
        let ((a0, a1), (b0, b1)) = (pairs(r[0], r[1]), pairs(r[2], r[3]));
        let ((c0, c1), (d0, d1)) = (pairs(r[4], r[5]), pairs(r[6], r[7]));
        let ((low0, low1), (low2, low3)) = (fours(a0, b0), fours(a1, b1));
        let ((high0, high1), (high2, high3)) = (fours(c0, d0), fours(c1, d1));
        bytemuck::cast([
            _mm256_permute2x128_si256::<0x20>(low0, high0),
            _mm256_permute2x128_si256::<0x20>(low1, high1),
            _mm256_permute2x128_si256::<0x20>(low2, high2),
            _mm256_permute2x128_si256::<0x20>(low3, high3),
            _mm256_permute2x128_si256::<0x31>(low0, high0),
            _mm256_permute2x128_si256::<0x31>(low1, high1),
            _mm256_permute2x128_si256::<0x31>(low2, high2),
            _mm256_permute2x128_si256::<0x31>(low3, high3),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Transpose(Tile);

    impl Work for Transpose {
        type Output = Tile;
        #[inline(always)]
        fn run<V: Vectors>(self, vectors: V) -> Tile {
            vectors.transpose(self.0)
        }
    }

    struct MultiplyAdd([f64; LANES], [f64; LANES]);

    impl Work for MultiplyAdd {
        type Output = [f64; LANES];
        #[inline(always)]
        fn run<V: Vectors>(self, vectors: V) -> [f64; LANES] {
            vectors.multiply_add(1.0 + 1e-9, &Row(self.0), Row(self.1)).0
        }
    }

    struct AtMost([f64; LANES], [f64; LANES]);

    impl Work for AtMost {
        type Output = u8;
        #[inline(always)]
        fn run<V: Vectors>(self, vectors: V) -> u8 {
            vectors.at_most(&Row(self.0), &Row(self.1))
        }
    }

    #[test]
    fn every_set_compares() {
        let values = [1.0, 2.0, f64::NAN, 0.0, -1.0, f64::INFINITY, 5.0, 7.0];
        let limits = [1.0, 1.0, 1.0, f64::NAN, 0.0, f64::INFINITY, 6.0, -7.0];
        for set in InstructionSet::available() {
            assert_eq!(set.run(AtMost(values, limits)), 0b0111_0001, "{set}");
        }
    }

    #[test]
    fn every_set_multiplies_and_adds() {
        let values = std::array::from_fn(|lane| 1.0 + lane as f64 / 3.0);
        let sums = std::array::from_fn(|lane| -(1.0 + lane as f64 / 3.0));
        for set in InstructionSet::available() {
            let found = set.run(MultiplyAdd(values, sums));
            for (found, value) in found.iter().zip(values) {
                // Half a unit in the last place of the product where it is rounded by itself.
                assert!((found - 1e-9 * value).abs() <= value * f64::EPSILON, "{set}: {found:e} of {value}");
            }
        }
    }

    #[test]
    fn every_set_transposes() {
        let tile: Tile = std::array::from_fn(|row| std::array::from_fn(|column| (8 * row + column) as u32));
        for set in InstructionSet::available() {
            let turned = set.run(Transpose(tile));
            let right = |i: usize| turned[i % 8][i / 8] == i as u32;
            assert!((0..64).all(right), "{set}: {turned:?}");
            assert_eq!(set.run(Transpose(turned)), tile);
        }
    }
}
