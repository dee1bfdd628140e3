//! Argon2id. It bounds what a hash may cost, and gives its memory back to the system each time.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq;
use symbolon_core::crypto::Crypto;
use zeroize::Zeroizing;

/// Memory of a hash that this program makes, in KiB.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes of a hash that this program makes.
const PASSES: u32 = 2;
/// A hash in a users file may ask for this much memory, in KiB.
const MAX_MEMORY_KIB: u32 = 64 * 1024;
/// And for this many passes.
const MAX_PASSES: u32 = 16;
/// And for this many lanes.
const MAX_LANES: u32 = 4;
/// Bytes of a password that are looked at; RFC 9106 would allow more.
pub const MAX_PASSWORD_BYTES: usize = 1024;

const OUTPUT_BYTES: usize = 32;
const SALT_BYTES: usize = 16;
/// The allocator of glibc never keeps a block of more than 32 MiB when it is freed, and learns to keep smaller ones. So room
/// for this many KiB is reserved, of which the system only ever maps what is used.
const RESERVED_KIB: usize = 33 * 1024;

/// The PHC string of a password.
pub fn hash(password: &str, crypto: &Crypto) -> Result<String, String> {
    if password.is_empty() || password.len() > MAX_PASSWORD_BYTES {
        return Err(format!("a password has 1 to {MAX_PASSWORD_BYTES} bytes"));
    }
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(OUTPUT_BYTES)).expect("the parameters are within RFC 9106");
    let salt = crypto.bytes::<SALT_BYTES>();
    let output = compute(password, salt.as_slice(), &params, Algorithm::Argon2id, OUTPUT_BYTES)?;
    let phc = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).map_err(|e| e.to_string())?,
        salt: Some(Salt::new(salt.as_slice()).map_err(|e| e.to_string())?),
        hash: Some(Output::new(&output).map_err(|e| e.to_string())?),
    };
    Ok(phc.to_string())
}

/// Whether a string is a hash that this program is willing to check.
pub fn check_form(phc: &str) -> Result<(), String> {
    Parsed::read(phc).map(drop)
}

/// Whether the password has this hash. A hash of another form matches nothing.
pub fn verify(password: &str, phc: &str) -> bool {
    let Ok(parsed) = Parsed::read(phc) else { return false };
    let Parsed { params, salt, output } = &parsed;
    compute(password, salt.as_ref(), params, Algorithm::Argon2id, output.len())
        .is_ok_and(|computed| bool::from(computed.ct_eq(output.as_bytes())))
}

struct Parsed {
    params: Params,
    salt: Salt,
    output: Output,
}

impl Parsed {
    fn read(phc: &str) -> Result<Parsed, String> {
        let wrong = || "is no Argon2id hash in PHC form; make one with `symbolon user hash`".to_owned();
        let parsed = PasswordHash::new(phc).map_err(|_| wrong())?;
        if parsed.algorithm != Algorithm::Argon2id.ident() || parsed.version != Some(Version::V0x13.into()) {
            return Err(wrong());
        }
        let params = Params::try_from(&parsed).map_err(|_| wrong())?;
        if params.m_cost() > MAX_MEMORY_KIB || params.t_cost() > MAX_PASSES || params.p_cost() > MAX_LANES {
            return Err(format!("costs more than m={MAX_MEMORY_KIB}, t={MAX_PASSES}, p={MAX_LANES}"));
        }
        let (Some(salt), Some(output)) = (parsed.salt, parsed.hash) else { return Err(wrong()) };
        Ok(Parsed { params, salt, output })
    }
}

fn compute(
    password: &str,
    salt: &[u8],
    params: &Params,
    algorithm: Algorithm,
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut memory = Vec::with_capacity(params.block_count().max(RESERVED_KIB));
    memory.resize(params.block_count(), Block::default());
    let mut output = Zeroizing::new(vec![0; length]);
    Argon2::new(algorithm, Version::V0x13, params.clone())
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut output, &mut memory)
        .map_err(|e| e.to_string())?;
    Ok(output)
}
