//! What a fuzzer says, taken as edits of something well-formed: so it gets behind the first checks.

/// Replaces, inserts, removes and repeats bytes, four bytes of `said` at a time.
pub fn edited(mut bytes: Vec<u8>, said: &[u8]) -> Vec<u8> {
    for edit in said.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([edit[1], edit[2]])) % (bytes.len() + 1);
        match edit[0] % 5 {
            0 if at < bytes.len() => bytes[at] = edit[3],
            1 => bytes.insert(at, edit[3]),
            2 => drop(bytes.drain(at..bytes.len().min(at + usize::from(edit[3])))),
            3 => {
                let again = bytes[at..bytes.len().min(at + usize::from(edit[3]))].to_vec();
                bytes.splice(at..at, again);
            }
            4 => bytes.truncate(at),
            _ => {}
        }
    }
    bytes
}

/// In pieces of so many bytes, or whole.
pub fn pieces(bytes: &[u8], size: u8) -> impl Iterator<Item = &[u8]> {
    bytes.chunks(usize::from(size).max(1))
}

/// What a fuzzer might say: a few edits, the same for each number. For tests, which have no fuzzer.
pub fn said(number: u64) -> Vec<u8> {
    // SplitMix64.
    let mut state = number;
    let mut random = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31).to_le_bytes()
    };
    let words = number % 5;
    [&random()[..2], &(0..words).flat_map(|_| random()).collect::<Vec<u8>>()].concat()
}
