//! SHA-256 as FIPS 180-4 states it, written to be read, in no hurry.
//!
//! *In:* bytes. *Out:* 32 bytes, or any step between: a padded block, its schedule, one round, one compression.
//!
//! This is the oracle. Everything faster in paydirt is tested against it, every hit of a faster kernel is hashed again
//! with it before it becomes a solution, and the generator of the vector kernels takes its constants and rotations from
//! here. It depends on nothing, so it shares no code with the `sha2` crate, on which the portable kernel stands.
//!
//! Section numbers are those of FIPS 180-4. Words are big-endian in a message and a digest (§2.1, §5.2.1).

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::vec::Vec;

/// Bytes of a message block (FIPS 180-4 §1).
pub const BLOCK_BYTES: usize = 64;

/// The initial hash value: the fractions of the square roots of the first eight primes (§5.3.3).
pub const INITIAL: [u32; 8] = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

/// The round constants: the fractions of the cube roots of the first 64 primes (§4.2.2).
pub const K: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

/// Rotations of Σ0 and Σ1, in bits to the right (§4.1.2, equations 4.4 and 4.5).
pub const BIG_SIGMA: [[u32; 3]; 2] = [[2, 13, 22], [6, 11, 25]];
/// Two rotations and a shift, in bits to the right: σ0 and σ1 (§4.1.2, equations 4.6 and 4.7).
pub const SMALL_SIGMA: [[u32; 3]; 2] = [[7, 18, 3], [17, 19, 10]];

const fn big_sigma(by: [u32; 3], x: u32) -> u32 {
    x.rotate_right(by[0]) ^ x.rotate_right(by[1]) ^ x.rotate_right(by[2])
}

const fn small_sigma(by: [u32; 3], x: u32) -> u32 {
    x.rotate_right(by[0]) ^ x.rotate_right(by[1]) ^ (x >> by[2])
}

/// Σ0 (§4.1.2).
pub const fn big_sigma_0(x: u32) -> u32 {
    big_sigma(BIG_SIGMA[0], x)
}

/// Σ1 (§4.1.2).
pub const fn big_sigma_1(x: u32) -> u32 {
    big_sigma(BIG_SIGMA[1], x)
}

/// σ0 (§4.1.2).
pub const fn small_sigma_0(x: u32) -> u32 {
    small_sigma(SMALL_SIGMA[0], x)
}

/// σ1 (§4.1.2).
pub const fn small_sigma_1(x: u32) -> u32 {
    small_sigma(SMALL_SIGMA[1], x)
}

/// Ch: each bit of `x` chooses that of `y` or of `z` (§4.1.2).
pub const fn choose(x: u32, y: u32, z: u32) -> u32 {
    (x & y) ^ (!x & z)
}

/// Maj: what two of the three bits are (§4.1.2).
pub const fn majority(x: u32, y: u32, z: u32) -> u32 {
    (x & y) ^ (x & z) ^ (y & z)
}

/// The message schedule of a block (§6.2.2, step 1).
pub fn schedule(block: &[u32; 16]) -> [u32; 64] {
    let mut w = [0; 64];
    w[..16].copy_from_slice(block);
    for t in 16..64 {
        w[t] = small_sigma_1(w[t - 2])
            .wrapping_add(w[t - 7])
            .wrapping_add(small_sigma_0(w[t - 15]))
            .wrapping_add(w[t - 16]);
    }
    w
}

/// One round (§6.2.2, step 3): `state` holds a to h, `k_plus_w` the sum of the round's constant and word.
pub const fn round(state: &mut [u32; 8], k_plus_w: u32) {
    let [a, b, c, d, e, f, g, h] = *state;
    let t1 = h
        .wrapping_add(big_sigma_1(e))
        .wrapping_add(choose(e, f, g))
        .wrapping_add(k_plus_w);
    let t2 = big_sigma_0(a).wrapping_add(majority(a, b, c));
    *state = [t1.wrapping_add(t2), a, b, c, d.wrapping_add(t1), e, f, g];
}

/// Folds one block into the hash value (§6.2.2, steps 2 to 4).
pub fn compress(hash: &mut [u32; 8], block: &[u32; 16]) {
    let w = schedule(block);
    let mut state = *hash;
    for t in 0..64 {
        round(&mut state, K[t].wrapping_add(w[t]));
    }
    for (value, add) in hash.iter_mut().zip(state) {
        *value = value.wrapping_add(add);
    }
}

/// The big-endian words of a block (§5.2.1).
pub fn words(block: &[u8; BLOCK_BYTES]) -> [u32; 16] {
    core::array::from_fn(|i| {
        u32::from_be_bytes([block[4 * i], block[4 * i + 1], block[4 * i + 2], block[4 * i + 3]])
    })
}

/// The bytes of a hash value, in the order in which they are put out.
pub fn to_bytes(hash: &[u32; 8]) -> [u8; 32] {
    core::array::from_fn(|i| hash[i / 4].to_be_bytes()[i % 4])
}

/// Pads the end of a message of `message_bytes` bytes to whole blocks (§5.1.1): a one bit, zeros, the length in bits.
pub fn pad(end: &mut Vec<u8>, message_bytes: u64) {
    end.push(0x80);
    while end.len() % BLOCK_BYTES != BLOCK_BYTES - 8 {
        end.push(0);
    }
    end.extend_from_slice(&(message_bytes * 8).to_be_bytes());
}

/// The SHA-256 of `message`.
pub fn sha256(message: &[u8]) -> [u8; 32] {
    let mut padded = message.to_vec();
    pad(&mut padded, message.len() as u64);
    let mut hash = INITIAL;
    for block in padded.as_chunks().0 {
        compress(&mut hash, &words(block));
    }
    to_bytes(&hash)
}

/// The block that follows when the 32 bytes of `hash` are hashed once more.
pub fn second_block(hash: &[u32; 8]) -> [u32; 16] {
    let mut block = [0; 16];
    block[..8].copy_from_slice(hash);
    block[8] = 0x8000_0000;
    block[15] = 32 * 8;
    block
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    /// The examples of FIPS 180-4's companion and of NIST's CAVP short messages.
    #[test]
    fn nist_vectors() {
        let million_a = vec![b'a'; 1_000_000];
        for (message, expected) in [
            (
                &b""[..],
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                b"abc",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            ),
            (
                b"\xd3",
                "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1",
            ),
            (
                &million_a,
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
            ),
        ] {
            assert_eq!(hex::encode(sha256(message)), expected);
        }
    }

    #[test]
    fn every_length_around_the_block_edge_agrees_with_an_independent_implementation() {
        use sha2::Digest as _;
        for length in 0..=200 {
            let message: Vec<u8> = (0..length).map(|i| i as u8 ^ 0x5a).collect();
            assert_eq!(
                sha256(&message)[..],
                sha2::Sha256::digest(&message)[..],
                "{length} bytes"
            );
        }
    }
}
