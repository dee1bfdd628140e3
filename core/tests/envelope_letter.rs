//! The letter on the wire: total, bounded, and nothing but version 1.

use proptest::prelude::*;
use symbolon_core::envelope::{Letter, Purpose};
use symbolon_core::fault::Reject;
use symbolon_core::time::Wall;
use symbolon_core::wire::letter::{decode, encode};

fn letter() -> Letter {
    Letter {
        purpose: Purpose::SyncReply,
        cluster: [1; 16],
        sender: [2; 16],
        receiver: [3; 16],
        incarnation: u64::MAX,
        sent: Wall(1_800_000_000_000),
        nonce: [4; 16],
        body: b"body".to_vec(),
    }
}

/// Version 1, byte by byte.
fn bytes() -> Vec<u8> {
    let id = |byte| [[0x50].as_slice(), &[byte; 16]].concat();
    [
        vec![0x89, 0x01, 0x02],
        id(1),
        id(2),
        id(3),
        vec![0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0x1b, 0x00, 0x00, 0x01, 0xa3, 0x18, 0x5c, 0x50, 0x00],
        id(4),
        vec![0x44],
        b"body".to_vec(),
    ]
    .concat()
}

#[test]
fn version_1_is_what_it_was() {
    assert_eq!(*encode(&letter()), bytes());
    assert_eq!(decode(&bytes()), Ok(letter()));
}

#[test]
fn each_purpose_has_a_number_of_its_own() {
    let known: Vec<_> = (0..=u8::MAX).filter_map(Purpose::from_code).collect();
    assert_eq!(known, [Purpose::Sync, Purpose::SyncReply, Purpose::WrappingKey]);
    assert!(known.iter().all(|purpose| Purpose::from_code(purpose.code()) == Some(*purpose)));
}

#[test]
fn other_versions_and_shapes_are_refused() {
    let with = |at: usize, byte: u8| {
        let mut bytes = bytes();
        bytes[at] = byte;
        decode(&bytes)
    };
    assert_eq!(with(1, 2), Err(Reject::Version));
    assert_eq!(with(0, 0x88), Err(Reject::Malformed), "a field less");
    assert_eq!(with(0, 0x9f), Err(Reject::Malformed), "an open-ended array");
    assert_eq!(with(2, 4), Err(Reject::Malformed), "an unknown purpose");
    assert_eq!(with(3, 0x4f), Err(Reject::Malformed), "an identifier of 15 bytes");
    let last = bytes().len();
    for length in 0..last {
        assert_eq!(decode(&bytes()[..length]), Err(Reject::Malformed), "{length} bytes");
    }
    assert_eq!(decode(&[bytes(), vec![0]].concat()), Err(Reject::Malformed), "a byte too many");
    assert_eq!(with(last - 5, 0x5b), Err(Reject::Malformed), "a body that claims to be huge");
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn any_single_change_is_read_without_a_panic(at in 0..94_usize, byte in any::<u8>()) {
        let mut bytes = bytes();
        bytes[at] = byte;
        if let Ok(letter) = decode(&bytes) {
            prop_assert_eq!(decode(&encode(&letter)), Ok(letter));
        }
    }
}
