//! Packed segments, written from `FORMAT.md` alone.

/// A packed file of these stored blocks, that says to hold an original of this length which begins
/// like this.
pub(crate) fn packed_file(blocks: &[Vec<u8>], original: u64, begins: &[u8]) -> Vec<u8> {
    let count = u32::try_from(blocks.len()).unwrap();
    let mut end = Vec::new();
    let mut put = |bytes: &[u8]| end.extend_from_slice(bytes);
    put(&[0x5b, 0x2a, 0x4d, 0x18]);
    put(&(220 + 4 * count).to_le_bytes());
    put(b"\x89SWBZST\n");
    put(&[0; 4]);
    put(&[1, 0, 0, 0]);
    put(&original.to_le_bytes());
    put(&65_536_u32.to_le_bytes());
    put(&begins[..192]);
    for block in blocks {
        put(&crc32c::crc32c(block).to_le_bytes());
    }
    put(&[0x5e, 0x2a, 0x4d, 0x18]);
    put(&(8 * count + 9).to_le_bytes());
    for (block, place) in blocks.iter().zip(0_u64..) {
        let left = original.saturating_sub(place * 65_536).min(65_536);
        put(&u32::try_from(block.len()).unwrap().to_le_bytes());
        put(&u32::try_from(left).unwrap().to_le_bytes());
    }
    put(&count.to_le_bytes());
    put(&[0, 0xb1, 0xea, 0x92, 0x8f]);
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&end[..16]), &end[20..]);
    end[16..20].copy_from_slice(&checksum.to_le_bytes());
    [&blocks.concat()[..], &end].concat()
}
