//! Cryptography that costs next to nothing: the same traits, sizes and failures as the real one, made of BLAKE3, and of a
//! plain hash where much is signed. It is no cryptography: whoever holds a public key can do everything. Wrong keys and altered bytes still fail, and nothing secret
//! stands in clear in what it seals.

use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::quality::FixedState;
use symbolon_core::crypto::{
    Aead, Crypto, DecapsulationKey, Ecdsa, KEM_CIPHERTEXT_BYTES, KEM_PUBLIC_KEY_BYTES, Kem, KemPublicKey,
    PublicPoint, Random, Secret32, Signature, SigningKey, VerifyingKey,
};
use zeroize::Zeroizing;

use crate::plan::Chance;

const TAG_BYTES: usize = 16;

/// Light cryptography over one node's source of secrets.
pub fn crypto(random: Arc<Source>) -> Crypto {
    Crypto { random, ecdsa: Arc::new(Light), kem: Arc::new(Light), aead: Arc::new(Light) }
}

/// The secrets of one node: the same seed gives the same bytes. It remembers the long ones, so that a check can look for them.
pub struct Source(Mutex<State>);

struct State {
    seed: u64,
    drawn: u64,
    given: Vec<[u8; 32]>,
}

impl Source {
    /// The source that this seed names.
    pub fn new(seed: u64) -> Source {
        Source(Mutex::new(State { seed, drawn: 0, given: Vec::new() }))
    }

    /// Every secret of 32 bytes that was given since the last call.
    pub fn take_given(&self) -> Vec<[u8; 32]> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).given)
    }

    /// Forgets where it stood, as a machine does whose entropy is restored with its disk: a planted mistake.
    pub fn rewind(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).drawn = 0;
    }
}

impl Random for Source {
    fn fill(&self, out: &mut [u8]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in out.chunks_mut(8) {
            state.drawn += 1;
            let word = Chance::of(state.seed, state.drawn).word();
            piece.copy_from_slice(&word.to_le_bytes()[..piece.len()]);
        }
        if let Ok(secret) = <[u8; 32]>::try_from(&*out) {
            state.given.push(secret);
        }
    }
}

struct Light;
struct Signer {
    public: PublicPoint,
    key: [u8; 32],
}
struct Opener {
    public: Box<KemPublicKey>,
    name: [u8; 32],
}

fn hash(tag: &[u8], parts: &[&[u8]]) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    hasher.update(tag);
    parts.iter().for_each(|part| {
        hasher.update(part);
    });
    hasher
}

/// A name for these bytes: no two of one run are alike.
fn digest(tag: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(tag);
    parts.iter().for_each(|part| hasher.write(part));
    expanded(hasher.finish())
}

fn expanded<const N: usize>(hash: u64) -> [u8; N] {
    let drawn = Chance::of(hash, N as u64);
    let mut bytes = [0; N];
    for (at, piece) in bytes.chunks_exact_mut(8).enumerate() {
        piece.copy_from_slice(&drawn.at(at as u64).word().to_le_bytes());
    }
    bytes
}

/// A signature of the right shape: both halves below the order, the second in its lower half.
fn sign(key: &[u8; 32], message: &[u8]) -> Signature {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(key);
    hasher.write(message);
    let mut signature: Signature = expanded(hasher.finish());
    (signature[0], signature[32]) = (1, 1);
    signature
}

/// As the holder of this public point would sign.
pub(super) fn sign_as(public: &PublicPoint, message: &[u8]) -> Signature {
    sign(&digest(b"sign", &[public]), message)
}

impl Ecdsa for Light {
    fn signing_key(&self, scalar: &[u8; 32]) -> Option<Arc<dyn SigningKey>> {
        let x = digest(b"point", &[scalar]);
        let mut public = [4; 65];
        public[1..33].copy_from_slice(&x);
        public[33..].copy_from_slice(&digest(b"curve", &[&x]));
        Some(Arc::new(Signer { key: digest(b"sign", &[&public]), public }))
    }

    fn verifying_key(&self, point: &PublicPoint) -> Option<Arc<dyn VerifyingKey>> {
        let on_curve = point[0] == 4 && point[33..] == digest(b"curve", &[&point[1..33]]);
        on_curve.then(|| Arc::new(Signer { key: digest(b"sign", &[point]), public: *point }) as Arc<dyn VerifyingKey>)
    }
}

impl SigningKey for Signer {
    fn sign(&self, message: &[u8]) -> Signature {
        sign(&self.key, message)
    }

    fn public(&self) -> PublicPoint {
        self.public
    }
}

impl VerifyingKey for Signer {
    fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        sign(&self.key, message) == *signature
    }

    fn public(&self) -> PublicPoint {
        self.public
    }
}

impl Kem for Light {
    fn decapsulation_key(&self, seed: &[u8; 64]) -> Arc<dyn DecapsulationKey> {
        let name = digest(b"kem", &[seed]);
        let mut public = Box::new([0x5a; KEM_PUBLIC_KEY_BYTES]);
        public[..32].copy_from_slice(&name);
        public[32..64].copy_from_slice(&digest(b"lattice", &[&name]));
        Arc::new(Opener { public, name })
    }

    fn encapsulate(&self, key: &KemPublicKey, random: &dyn Random) -> Option<([u8; KEM_CIPHERTEXT_BYTES], Secret32)> {
        if key[32..64] != digest(b"lattice", &[&key[..32]]) {
            return None;
        }
        let mut drawn = [0; 24];
        random.fill(&mut drawn);
        let mut ciphertext = [0xa5; KEM_CIPHERTEXT_BYTES];
        ciphertext[..24].copy_from_slice(&drawn);
        Some((ciphertext, Zeroizing::new(digest(b"shared", &[&key[..32], &ciphertext]))))
    }
}

impl DecapsulationKey for Opener {
    fn decapsulate(&self, ciphertext: &[u8; KEM_CIPHERTEXT_BYTES]) -> Secret32 {
        Zeroizing::new(digest(b"shared", &[&self.name, ciphertext]))
    }

    fn public(&self) -> &KemPublicKey {
        &self.public
    }
}

fn mask(key: &[u8; 32], nonce: &[u8; 12], text: &mut [u8]) {
    let mut stream = hash(b"stream", &[key, nonce]).finalize_xof();
    let mut block = [0; 256];
    for piece in text.chunks_mut(block.len()) {
        stream.fill(&mut block);
        piece.iter_mut().zip(&block).for_each(|(byte, mask)| *byte ^= mask);
    }
}

fn tag(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], sealed: &[u8]) -> [u8; TAG_BYTES] {
    let whole = digest(b"tag", &[key, nonce, &(aad.len() as u64).to_le_bytes(), aad, sealed]);
    std::array::from_fn(|at| whole[at])
}

impl Aead for Light {
    fn seal(&self, key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let mut sealed = plaintext.to_vec();
        mask(key, nonce, &mut sealed);
        let tag = tag(key, nonce, aad, &sealed);
        sealed.extend_from_slice(&tag);
        sealed
    }

    fn open(&self, key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (text, found) = sealed.split_last_chunk::<TAG_BYTES>()?;
        if tag(key, nonce, aad, text) != *found {
            return None;
        }
        let mut plaintext = Zeroizing::new(text.to_vec());
        mask(key, nonce, &mut plaintext);
        Some(plaintext)
    }
}
