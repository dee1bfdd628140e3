//! The one shape of a frame, in DER. It holds no key and checks no signature.
//!
//! A frame is read by taking its variable parts out and building it again from them; whatever differs is no frame. So
//! every byte is either fixed by the profile, or signed, or authenticated, and nothing in it is malleable. The walk that
//! takes the parts out allocates nothing and never follows what a frame says about itself.

use cms::authenveloped_data::AuthEnvelopedData;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::enveloped_data::{
    EncryptedContentInfo, OtherRecipientInfo, RecipientIdentifier, RecipientInfo, RecipientInfos,
};
use cms::kemri::{CmsOriForKemOtherInfo, ID_ORI_KEM, KemRecipientInfo};
use cms::signed_data::{EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo, SignerInfos};
use const_oid::db::{fips203, rfc5911, rfc5912};
use der::asn1::{Any, AnyRef, ObjectIdentifier, OctetString, OctetStringRef, SetOfVec};
use der::{Decode, Encode, Reader, Sequence, SliceReader};
use spki::AlgorithmIdentifierOwned;
use x509_cert::attr::{Attribute, Attributes};
use x509_cert::ext::pkix::SubjectKeyIdentifier;

use crate::crypto::{KEM_CIPHERTEXT_BYTES, KeyId, Signature};

/// id-alg-hkdf-with-sha256 (RFC 8619).
const HKDF_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.28");
/// Length of the key that wraps the content key.
const KEK_BYTES: u16 = 32;
/// Length of the authentication tag, which CMS calls ICV and MAC.
pub(super) const TAG_BYTES: usize = 16;
/// Length of a wrapped 256-bit content key.
pub(super) const WRAPPED_KEY_BYTES: usize = 40;

/// The variable parts of the SignedData and what is around it.
pub(super) struct Outer<'a> {
    pub signer: KeyId,
    pub digest: [u8; 32],
    pub signature: Signature,
    pub content: &'a [u8],
}

/// The variable parts of the AuthEnvelopedData.
pub(super) struct Inner<'a> {
    pub recipient: KeyId,
    pub kem_ciphertext: &'a [u8; KEM_CIPHERTEXT_BYTES],
    pub wrapped_key: [u8; WRAPPED_KEY_BYTES],
    pub nonce: [u8; 12],
    pub ciphertext: &'a [u8],
    pub tag: [u8; TAG_BYTES],
}

impl<'a> Outer<'a> {
    pub fn decode(frame: &'a [u8]) -> Option<Outer<'a>> {
        let [info] = children(frame)?;
        let [_type, explicit] = children(info)?;
        let [signed_data] = children(explicit)?;
        let [_version, _digests, encapsulated, signers] = children(signed_data)?;
        let [_type, explicit] = children(encapsulated)?;
        let [content] = children(explicit)?;
        let [signer_info] = children(signers)?;
        let [_version, signer, _digest, attributes, _algorithm, signature] = children(signer_info)?;
        let [_content_type, message_digest] = children(attributes)?;
        let [_type, values] = children(message_digest)?;
        let [digest] = children(values)?;

        let signature = p256::ecdsa::Signature::from_der(signature).ok()?.to_bytes().into();
        let outer = Outer { signer: exact(signer)?, digest: exact(digest)?, signature, content };
        (outer.encode().ok()? == frame).then_some(outer)
    }

    pub fn encode(&self) -> der::Result<Vec<u8>> {
        let signature =
            p256::ecdsa::Signature::from_slice(&self.signature).map_err(|_| der::Tag::Integer.value_error())?;
        let signer_info = SignerInfo {
            version: CmsVersion::V3,
            sid: SignerIdentifier::SubjectKeyIdentifier(key_identifier(&self.signer)?),
            digest_alg: algorithm(rfc5912::ID_SHA_256),
            signed_attrs: Some(signed_attributes(&self.digest)?),
            signature_algorithm: algorithm(rfc5912::ECDSA_WITH_SHA_256),
            signature: OctetString::new(signature.to_der().as_bytes())?,
            unsigned_attrs: None,
        };
        let signed_data = SignedData {
            version: CmsVersion::V3,
            digest_algorithms: SetOfVec::try_from([algorithm(rfc5912::ID_SHA_256)])?,
            encap_content_info: EncapsulatedContentInfo {
                econtent_type: rfc5911::ID_CT_AUTH_ENVELOPED_DATA,
                econtent: Some(Any::encode_from(&OctetStringRef::new(self.content)?)?),
            },
            certificates: None,
            crls: None,
            signer_infos: SignerInfos(SetOfVec::try_from([signer_info])?),
        };
        ContentInfo { content_type: rfc5911::ID_SIGNED_DATA, content: Any::encode_from(&signed_data)? }.to_der()
    }
}

impl<'a> Inner<'a> {
    pub fn decode(content: &'a [u8]) -> Option<Inner<'a>> {
        let [enveloped] = children(content)?;
        let [_version, recipients, encrypted, tag] = children(enveloped)?;
        let [recipient_info] = children(recipients)?;
        let [_type, kemri] = children(recipient_info)?;
        let [_version, recipient, _kem, ciphertext, _kdf, _length, _wrap, wrapped_key] = children(kemri)?;
        let [_type, encryption, encrypted_content] = children(encrypted)?;
        let [_algorithm, gcm] = children(encryption)?;
        let [nonce, _icv_length] = children(gcm)?;

        let inner = Inner {
            recipient: exact(recipient)?,
            kem_ciphertext: ciphertext.try_into().ok()?,
            wrapped_key: exact(wrapped_key)?,
            nonce: exact(nonce)?,
            ciphertext: encrypted_content,
            tag: exact(tag)?,
        };
        (inner.encode().ok()? == content).then_some(inner)
    }

    pub fn encode(&self) -> der::Result<Vec<u8>> {
        let recipient = KemRecipientInfo {
            version: CmsVersion::V0,
            rid: RecipientIdentifier::SubjectKeyIdentifier(key_identifier(&self.recipient)?),
            kem: algorithm(fips203::ID_ALG_ML_KEM_768),
            kem_ct: OctetString::new(self.kem_ciphertext.as_slice())?,
            kdf: algorithm(HKDF_WITH_SHA256),
            kek_length: KEK_BYTES,
            ukm: None,
            wrap: algorithm(rfc5911::ID_AES_256_WRAP),
            encrypted_key: OctetString::new(self.wrapped_key)?,
        };
        let recipient =
            RecipientInfo::Ori(OtherRecipientInfo { ori_type: ID_ORI_KEM, ori_value: Any::encode_from(&recipient)? });
        let gcm = GcmParameters { nonce: OctetString::new(self.nonce)?, icv_length: TAG_BYTES as u8 };
        AuthEnvelopedData {
            version: CmsVersion::V0,
            originator_info: None,
            recip_infos: RecipientInfos(SetOfVec::try_from([recipient])?),
            auth_encrypted_content_info: EncryptedContentInfo {
                content_type: rfc5911::ID_DATA,
                content_enc_alg: AlgorithmIdentifierOwned {
                    oid: rfc5911::ID_AES_256_GCM,
                    parameters: Some(Any::encode_from(&gcm)?),
                },
                encrypted_content: Some(OctetString::new(self.ciphertext)?),
            },
            auth_attrs: None,
            mac: OctetString::new(self.tag)?,
            unauth_attrs: None,
        }
        .to_der()
    }
}

/// What the signature covers: the signed attributes as a SET OF (RFC 5652, section 5.4).
pub(super) fn signed_bytes(digest: &[u8; 32]) -> Vec<u8> {
    signed_attributes(digest).and_then(|attributes| attributes.to_der()).expect("two short attributes encode")
}

/// The info of the key derivation (RFC 9629, section 5).
pub(super) fn kdf_info() -> Vec<u8> {
    CmsOriForKemOtherInfo { wrap: algorithm(rfc5911::ID_AES_256_WRAP), kek_length: KEK_BYTES, ukm: None }
        .to_der()
        .expect("fixed short fields encode")
}

/// GCMParameters (RFC 5084, section 3.2). The length is not its default of 12, so it is always there.
#[derive(Sequence)]
struct GcmParameters {
    nonce: OctetString,
    icv_length: u8,
}

fn signed_attributes(digest: &[u8; 32]) -> der::Result<Attributes> {
    let content_type = attribute(rfc5911::ID_CONTENT_TYPE, Any::encode_from(&rfc5911::ID_CT_AUTH_ENVELOPED_DATA)?)?;
    let message_digest = attribute(rfc5911::ID_MESSAGE_DIGEST, Any::encode_from(&OctetStringRef::new(digest)?)?)?;
    SetOfVec::try_from([content_type, message_digest])
}

fn attribute(oid: ObjectIdentifier, value: Any) -> der::Result<Attribute> {
    Ok(Attribute { oid, values: SetOfVec::try_from([value])? })
}

/// An algorithm with absent parameters.
fn algorithm(oid: ObjectIdentifier) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid, parameters: None }
}

fn key_identifier(id: &KeyId) -> der::Result<SubjectKeyIdentifier> {
    OctetString::new(id.as_slice()).map(SubjectKeyIdentifier)
}

/// The contents of exactly `N` values that follow each other and fill `bytes`.
fn children<const N: usize>(bytes: &[u8]) -> Option<[&[u8]; N]> {
    let mut reader = SliceReader::new(bytes).ok()?;
    let mut contents = [&[] as &[u8]; N];
    for content in &mut contents {
        *content = AnyRef::decode(&mut reader).ok()?.value();
    }
    reader.is_finished().then_some(contents)
}

fn exact<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}
