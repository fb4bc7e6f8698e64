//! MD5 (RFC 1321) of several messages side by side, one in each lane: one after the other each step waits for the last.

use crate::simd::{InstructionSet, LANES, Vectors, Work};

/// What a message is checked by.
pub(crate) type Digest = [u8; 16];

const BLOCK: usize = 64;

/// Bytes of the message's length at its end.
const LENGTH: usize = 8;

/// A, B, C and D of each lane.
type State<const L: usize> = [[u32; L]; 4];

const START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// ⌊2³²|sin(i + 1)|⌋.
const SINES: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];

/// Bits that the steps of each round turn by.
const TURNS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// The digests of messages, in their order.
pub(crate) fn digests(messages: &[&[u8]]) -> Vec<Digest> {
    messages.chunks(LANES).flat_map(side_by_side).collect()
}

/// Digests of up to [`LANES`] messages. Those that are longer than the shortest go on without it.
fn side_by_side(messages: &[&[u8]]) -> Vec<Digest> {
    let mut states = vec![START.map(|word| [word]); messages.len()];
    let mut rests: Vec<&[[u8; BLOCK]]> = messages.iter().map(|message| message.as_chunks().0).collect();
    loop {
        let open: Vec<usize> = (0..rests.len()).filter(|index| !rests[*index].is_empty()).collect();
        let Some(count) = open.iter().map(|index| rests[*index].len()).min().filter(|_| open.len() > 1)
        else {
            break;
        };
        // Lanes without a message repeat the first.
        let of_lane = |lane: usize| open.get(lane).copied().unwrap_or(open[0]);
        let state = std::array::from_fn(|word| std::array::from_fn(|lane| states[of_lane(lane)][word][0]));
        let blocks = std::array::from_fn(|lane| &rests[of_lane(lane)][..count]);
        let state = InstructionSet::best().run(Lanes { state, blocks });
        for (lane, index) in open.into_iter().enumerate() {
            states[index] = state.map(|word| [word[lane]]);
            rests[index] = &rests[index][count..];
        }
    }
    let alone = |((mut state, rest), message): ((State<1>, &[[u8; BLOCK]]), &&[u8])| {
        rest.iter().for_each(|block| add_one(&mut state, block));
        // The rest of the message, a one bit, zeros, and its length in bits.
        let mut end = message.as_chunks::<BLOCK>().1.to_vec();
        end.push(0x80);
        end.resize((end.len() + LENGTH).next_multiple_of(BLOCK) - LENGTH, 0);
        end.extend((message.len() as u64).wrapping_mul(8).to_le_bytes());
        end.as_chunks().0.iter().for_each(|block| add_one(&mut state, block));
        bytemuck::cast(state.map(|word| word[0].to_le_bytes()))
    };
    states.into_iter().zip(rests).zip(messages).map(alone).collect()
}

fn add_one(state: &mut State<1>, block: &[u8; BLOCK]) {
    let words = block.as_chunks::<4>().0;
    compress(state, &std::array::from_fn(|word| [u32::from_le_bytes(words[word])]));
}

/// As many blocks of each message.
struct Lanes<'a> {
    state: State<LANES>,
    blocks: [&'a [[u8; BLOCK]]; LANES],
}

impl Work for Lanes<'_> {
    type Output = State<LANES>;

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> State<LANES> {
        let mut state = self.state;
        for index in 0..self.blocks[0].len() {
            let half = |from: usize| {
                let rows = self.blocks.map(|blocks| {
                    let words = blocks[index].as_chunks::<4>().0;
                    std::array::from_fn(|word| u32::from_le_bytes(words[from + word]))
                });
                vectors.transpose(rows)
            };
            let (first, second) = (half(0), half(8));
            compress(
                &mut state,
                &std::array::from_fn(|word| if word < 8 { first[word] } else { second[word - 8] }),
            );
        }
        state
    }
}

/// Adds a block to the state of each lane. The steps stand in one loop over lanes, which becomes vector instructions.
#[inline(always)]
fn compress<const L: usize>(state: &mut State<L>, words: &[[u32; L]; 16]) {
    for l in 0..L {
        let (mut a, mut b, mut c, mut d) = (state[0][l], state[1][l], state[2][l], state[3][l]);
        macro_rules! step {
            ($mix:expr, $i:expr, $word:expr) => {{
                let sum = a.wrapping_add($mix).wrapping_add(SINES[$i]).wrapping_add(words[($word) % 16][l]);
                let turned = sum.rotate_left(TURNS[($i) / 16][($i) % 4]);
                (a, d, c, b) = (d, c, b, b.wrapping_add(turned));
            }};
        }
        macro_rules! round {
            ($mix:expr, $factor:expr, $offset:expr, $($i:expr),*) => {
                $(step!($mix, $i, $factor * $i + $offset);)*
            };
        }
        round!(d ^ (b & (c ^ d)), 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        round!(c ^ (d & (b ^ c)), 5, 1, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
        round!(b ^ c ^ d, 3, 5, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47);
        round!(c ^ (b | !d), 7, 0, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63);
        for (word, new) in state.iter_mut().zip([a, b, c, d]) {
            word[l] = word[l].wrapping_add(new);
        }
    }
}

#[cfg(test)]
mod tests {
    use md5::Digest as _;

    use super::*;

    /// Any lengths beside each other, those around the end of a block among them, against another implementation.
    #[test]
    fn digests_are_those_of_rfc_1321() {
        assert_eq!(
            format!("{:032x}", u128::from_be_bytes(digests(&[b"abc"])[0])),
            "900150983cd24fb0d6963f7d28e17f72"
        );
        let lengths =
            [0, 1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000, 4096, 4097, 100_000, 64, 70_001];
        let messages: Vec<Vec<u8>> = lengths
            .iter()
            .map(|length| (0..*length).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect())
            .collect();
        for count in [1, 2, 8, 9, messages.len()] {
            for first in [0, 3, messages.len() - count].map(|first| first.min(messages.len() - count)) {
                let these: Vec<&[u8]> = messages[first..first + count].iter().map(Vec::as_slice).collect();
                let expected: Vec<Digest> =
                    these.iter().map(|message| md5::Md5::digest(message).into()).collect();
                assert_eq!(digests(&these), expected, "{count} from {first}");
            }
        }
    }
}
