//! Frames between two nodes: what comes through unharmed, and what is refused and why.

#[path = "common/envelope.rs"]
mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfos};
use common::{NOW, Node, WINDOW, node};
use der::asn1::{Any, OctetString, SetOfVec};
use der::{Decode, Encode};
use sha2::{Digest, Sha256};
use symbolon_core::config::MAX_FRAME_BYTES;
use symbolon_core::crypto::{KEM_PUBLIC_KEY_BYTES, Signature, SigningKey, normalize_s, subject_key_id};
use symbolon_core::envelope::{Letter, MAX_BODY_BYTES, MAX_OVERHEAD_BYTES, Purpose, SealError, Sealed, seal};
use symbolon_core::fault::Reject;
use symbolon_core::time::Wall;
use x509_cert::ext::pkix::SubjectKeyIdentifier;

const GOLDEN: &str = include_str!("golden/frame-v1.hex");
const GOLDEN_BODY: &[u8] = b"whoever held the matching half was recognised";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

#[test]
fn a_letter_comes_through_unharmed() {
    let (alice, bob) = (node(1), node(2));
    for length in [0, 1, 127, 128, 255, 256, 1024, 65_535, 65_536] {
        let letter = alice.letter_to(&bob, &vec![0xa5; length]);
        assert_eq!(bob.read(&[&alice], &alice.seal_to(&bob, &letter)), Ok(letter), "{length} bytes");
    }
}

#[test]
fn the_overhead_is_small_and_bounded() {
    let (alice, bob) = (node(1), node(2));
    for length in [0, 1024, MAX_BODY_BYTES] {
        let frame = alice.seal_to(&bob, &alice.letter_to(&bob, &vec![0; length]));
        println!("a body of {length} bytes: a frame of {}, overhead {}", frame.len(), frame.len() - length);
        assert!(frame.len() <= MAX_FRAME_BYTES && frame.len() - length <= MAX_OVERHEAD_BYTES);
        assert!(Sealed::parse(&frame).is_ok());
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let frame = |seed| {
        let (alice, bob) = (node(seed), node(2));
        alice.seal_to(&bob, &alice.letter_to(&bob, GOLDEN_BODY))
    };
    assert_eq!(frame(1), frame(1));
    assert_ne!(frame(1), frame(3));
    assert_eq!(hex(&frame(1)), GOLDEN.split_whitespace().collect::<String>(), "version 1 is what it was");
}

#[test]
fn the_golden_frame_of_version_1_still_opens() {
    let letter = node(2).read(&[&node(1)], &unhex(GOLDEN)).expect("it opened when it was made");
    assert_eq!((letter.purpose, letter.incarnation, letter.sent), (Purpose::Sync, 7, NOW));
    assert_eq!(letter.body, GOLDEN_BODY);
}

#[test]
fn a_body_that_does_not_fit_is_not_sealed() {
    let (alice, bob) = (node(1), node(2));
    let letter = alice.letter_to(&bob, &vec![0; MAX_BODY_BYTES + 1]);
    assert_eq!(seal(&alice.crypto, &*alice.signing, &bob.kem_public(), &letter), Err(SealError::TooLarge));
}

#[test]
fn a_malformed_recipient_key_is_refused() {
    let (alice, bob) = (node(1), node(2));
    // Coefficients of an encapsulation key are below 3329, and twelve ones are 4095.
    let key = [0xff; KEM_PUBLIC_KEY_BYTES];
    let letter = alice.letter_to(&bob, b"");
    assert_eq!(seal(&alice.crypto, &*alice.signing, &key, &letter), Err(SealError::RecipientKey));
}

#[test]
fn an_oversized_frame_is_not_even_read() {
    let (alice, bob) = (node(1), node(2));
    assert_eq!(bob.read(&[&alice], &vec![0x30; MAX_FRAME_BYTES + 1]), Err(Reject::Oversized));
    assert_eq!(bob.read(&[&alice], &vec![0x30; MAX_FRAME_BYTES]), Err(Reject::Malformed));
}

/// Unsigned fields of CMS are malleable; in this profile none is left.
#[test]
fn every_flipped_bit_is_refused() {
    let (alice, bob) = (node(1), node(2));
    let frame = alice.seal_to(&bob, &alice.letter_to(&bob, &[0x5a; 64]));
    let (first, second) = (0..frame.len()).partition::<Vec<_>, _>(|at| at % 2 == 0);
    let flip = |places: Vec<usize>| {
        let mut frame = frame.clone();
        let mut refusals = BTreeMap::new();
        for (at, bit) in places.into_iter().flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            frame[at] ^= 1 << bit;
            let reject = bob.read(&[&alice], &frame).expect_err("a flipped bit passed");
            *refusals.entry(reject).or_insert(0_usize) += 1;
            frame[at] ^= 1 << bit;
        }
        refusals
    };
    let refusals = std::thread::scope(|scope| {
        let other = scope.spawn(|| flip(second));
        let mut refusals = flip(first);
        for (reject, count) in other.join().expect("no flipped bit passed") {
            *refusals.entry(reject).or_insert(0) += count;
        }
        refusals
    });
    println!("flipped bits: {refusals:?}");
    assert_eq!(refusals.values().sum::<usize>(), frame.len() * 8);
    let kinds: Vec<Reject> = refusals.into_keys().collect();
    assert_eq!(kinds, [Reject::Malformed, Reject::UnknownSender, Reject::BadSignature]);
}

#[test]
fn truncated_at_any_length_it_is_malformed() {
    let (alice, bob) = (node(1), node(2));
    let frame = alice.seal_to(&bob, &alice.letter_to(&bob, b"hello"));
    for length in 0..frame.len() {
        assert_eq!(bob.read(&[&alice], &frame[..length]), Err(Reject::Malformed), "{length} bytes");
    }
    let longer = [frame.as_slice(), &[0]].concat();
    assert_eq!(bob.read(&[&alice], &longer), Err(Reject::Malformed));
}

#[test]
fn a_frame_for_another_key_is_not_for_us() {
    let (alice, bob, carol) = (node(1), node(2), node(3));
    let frame = alice.seal_to(&bob, &alice.letter_to(&bob, b"hello"));
    assert_eq!(carol.read(&[&alice], &frame), Err(Reject::NotForUs));
}

#[test]
fn a_letter_must_name_its_frame_again() {
    let (alice, bob, carol) = (node(1), node(2), node(3));
    let wrong: [fn(&mut Letter, &Node); 4] = [
        |letter, other| letter.sender = other.id(),
        |letter, other| letter.receiver = other.id(),
        |letter, _| letter.cluster[0] ^= 1,
        |letter, _| letter.purpose = Purpose::WrappingKey,
    ];
    for spoil in wrong {
        let mut letter = alice.letter_to(&bob, b"hello");
        spoil(&mut letter, &carol);
        assert_eq!(bob.read(&[&alice], &alice.seal_to(&bob, &letter)), Err(Reject::Mismatched));
    }
}

#[test]
fn a_letter_is_stale_outside_the_window_on_both_sides() {
    let (alice, bob) = (node(1), node(2));
    let millisecond = Duration::from_millis(1);
    let cases = [
        (NOW.before(WINDOW), Ok(())),
        (NOW.after(WINDOW), Ok(())),
        (NOW.before(WINDOW + millisecond), Err(Reject::Stale)),
        (NOW.after(WINDOW + millisecond), Err(Reject::Stale)),
        (Wall(0), Err(Reject::Stale)),
        (Wall(u64::MAX), Err(Reject::Stale)),
    ];
    for (sent, verdict) in cases {
        let letter = Letter { sent, ..alice.letter_to(&bob, b"hello") };
        assert_eq!(bob.read(&[&alice], &alice.seal_to(&bob, &letter)).map(drop), verdict, "{sent}");
    }
}

/// Takes the sealed part out of a frame, alters it, and signs it with this node's key.
fn signed_anew(frame: &[u8], by: &Node, alter: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut info = ContentInfo::from_der(frame).expect("a ContentInfo");
    let mut signed: SignedData = info.content.decode_as().expect("a SignedData");
    let content: OctetString = signed.encap_content_info.econtent.expect("content").decode_as().expect("octets");
    let mut content = content.into_bytes().to_vec();
    alter(&mut content);

    let mut signer = signed.signer_infos.0.get(0).expect("one signer").clone();
    let id = subject_key_id(&by.signing.public());
    signer.sid = SignerIdentifier::SubjectKeyIdentifier(SubjectKeyIdentifier(OctetString::new(id).expect("short")));
    let mut attributes = signer.signed_attrs.expect("signed attributes").into_vec();
    let digest = OctetString::new(Sha256::digest(&content).as_slice()).expect("short");
    attributes[1].values = SetOfVec::try_from([Any::encode_from(&digest).expect("short")]).expect("one value");
    let attributes = SetOfVec::try_from(attributes).expect("two attributes");
    let signature = by.signing.sign(&attributes.to_der().expect("they encode"));
    let signature = p256::ecdsa::Signature::from_slice(&signature).expect("well-formed").to_der();
    signer.signed_attrs = Some(attributes);
    signer.signature = OctetString::new(signature.as_bytes()).expect("short");

    let content = OctetString::new(content).expect("bounded");
    signed.encap_content_info.econtent = Some(Any::encode_from(&content).expect("it encodes"));
    signed.signer_infos = SignerInfos(SetOfVec::try_from([signer]).expect("one signer"));
    info.content = Any::encode_from(&signed).expect("it encodes");
    info.to_der().expect("it encodes")
}

fn content_bytes(frame: &[u8]) -> usize {
    let mut length = 0;
    signed_anew(frame, &node(1), |content| length = content.len());
    length
}

/// Even the sender cannot leave the profile: what is sealed has one shape, and its secrets fit together.
#[test]
fn altered_and_signed_anew_by_its_sender_it_is_refused() {
    let (alice, bob) = (node(1), node(2));
    let frame = alice.seal_to(&bob, &alice.letter_to(&bob, b"hello"));
    assert!(bob.read(&[&alice], &signed_anew(&frame, &alice, |_| ())).is_ok());
    let mut refusals = BTreeMap::new();
    for at in 0..content_bytes(&frame) {
        let altered = signed_anew(&frame, &alice, |content| content[at] ^= 1 << (at % 8));
        let reject = bob.read(&[&alice], &altered).expect_err("an altered content passed");
        *refusals.entry(reject).or_insert(0_usize) += 1;
    }
    println!("altered bytes: {refusals:?}");
    let kinds: Vec<Reject> = refusals.into_keys().collect();
    assert_eq!(kinds, [Reject::Malformed, Reject::NotForUs]);
}

#[test]
fn stripped_and_signed_anew_by_an_outsider_it_is_of_an_unknown_sender() {
    let (alice, bob, mallory) = (node(1), node(2), node(4));
    let frame = alice.seal_to(&bob, &alice.letter_to(&bob, b"hello"));
    let forged = signed_anew(&frame, &mallory, |_| ());
    assert_eq!(bob.read(&[&alice], &forged), Err(Reject::UnknownSender));
}

#[test]
fn stripped_and_signed_anew_by_another_member_it_is_mismatched() {
    let (alice, bob, mallory) = (node(1), node(2), node(4));
    let frame = alice.seal_to(&bob, &alice.letter_to(&bob, b"hello"));
    let forged = signed_anew(&frame, &mallory, |_| ());
    assert_eq!(bob.read(&[&alice, &mallory], &forged), Err(Reject::Mismatched));
}

#[test]
fn a_frame_verifies_under_the_named_key_only() {
    let (alice, bob, carol) = (node(1), node(2), node(3));
    let frame = alice.seal_to(&bob, &alice.letter_to(&bob, b"hello"));
    let sealed = Sealed::parse(&frame).expect("well-formed");
    assert_eq!(sealed.signer(), subject_key_id(&alice.signing.public()));
    assert_eq!(sealed.verify(&*carol.verifying).err(), Some(Reject::UnknownSender));
}

/// Signs like the key inside, then takes the other s that verifies in plain ECDSA.
struct HighS(Arc<dyn SigningKey>);

impl SigningKey for HighS {
    fn sign(&self, message: &[u8]) -> Signature {
        high_s(&self.0.sign(message))
    }

    fn public(&self) -> [u8; 65] {
        self.0.public()
    }
}

fn high_s(signature: &Signature) -> Signature {
    let signature = p256::ecdsa::Signature::from_slice(signature).expect("well-formed");
    let (r, s) = signature.split_scalars();
    p256::ecdsa::Signature::from_scalars(r, -s).expect("neither is zero").to_bytes().into()
}

#[test]
fn a_high_s_signature_is_refused() {
    use p256::ecdsa::signature::Verifier;

    let (alice, bob) = (node(1), node(2));
    let letter = alice.letter_to(&bob, b"hello");
    let frame = seal(&alice.crypto, &HighS(alice.signing.clone()), &bob.kem_public(), &letter).expect("sealed");
    assert_eq!(bob.read(&[&alice], &frame), Err(Reject::BadSignature));

    let (low, high) = (alice.signing.sign(b"hello"), high_s(&alice.signing.sign(b"hello")));
    let plain = p256::ecdsa::VerifyingKey::from_sec1_bytes(&alice.signing.public()).expect("on the curve");
    let parsed = p256::ecdsa::Signature::from_slice(&high).expect("well-formed");
    assert!(plain.verify(b"hello", &parsed).is_ok(), "plain ECDSA takes both, so this test means something");
    assert!(alice.verifying.verify(b"hello", &low) && !alice.verifying.verify(b"hello", &high));
    assert_eq!(normalize_s(&high), Some(low));
}

#[test]
fn nothing_of_a_body_shows_in_debug() {
    let (alice, bob) = (node(1), node(2));
    let shown = format!("{:?}", alice.letter_to(&bob, b"a wrapping key"));
    assert!(shown.contains("body_bytes: 14") && !shown.contains("119"), "{shown}");
}
