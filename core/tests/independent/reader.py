"""Reads and writes frames without any code of Symbolon: a hand-made DER walk, and PyPI `cryptography` for the primitives.

Commands come as one JSON object on stdin, binary values in hex, and the answer goes to stdout:

  {"do": "open", "frame", "verifying_key" (P-256 point), "kem_seed"}    -> {"plaintext"}
  {"do": "seal", "scalar", "kem_public", "plaintext"}                   -> {"frame"}

It refuses whatever the standards do not say, and is no more lenient than they are.
"""

import hashlib
import json
import os
import sys

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

SEQUENCE, SET, INTEGER, OCTETS, OID = 0x30, 0x31, 0x02, 0x04, 0x06

# Tags in context: [0] primitive, [0] and [4] constructed.
IMPLICIT_0, CONSTRUCTED_0, CONSTRUCTED_4 = 0x80, 0xA0, 0xA4


def tlv(tag, *parts):
    value = b"".join(parts)
    if len(value) < 128:
        return bytes([tag, len(value)]) + value
    length = len(value).to_bytes((len(value).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + value


def oid(dotted):
    first, second, *rest = map(int, dotted.split("."))
    out = bytes([first * 40 + second])
    for arc in rest:
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(0x80 | arc & 0x7F)
        out += bytes(reversed(digits))
    return tlv(OID, out)


def integer(n):
    return tlv(INTEGER, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def algorithm(dotted, *parameters):
    return tlv(SEQUENCE, oid(dotted), *parameters)


ID_DATA = oid("1.2.840.113549.1.7.1")
SIGNED_DATA = oid("1.2.840.113549.1.7.2")
AUTH_ENVELOPED_DATA = oid("1.2.840.113549.1.9.16.1.23")
CONTENT_TYPE = oid("1.2.840.113549.1.9.3")
MESSAGE_DIGEST = oid("1.2.840.113549.1.9.4")
ORI_KEM = oid("1.2.840.113549.1.9.16.13.3")
SHA256 = algorithm("2.16.840.1.101.3.4.2.1")
ECDSA_WITH_SHA256 = algorithm("1.2.840.10045.4.3.2")
ML_KEM_768 = algorithm("2.16.840.1.101.3.4.4.2")
HKDF_WITH_SHA256 = algorithm("1.2.840.113549.1.9.16.3.28")
AES256_WRAP = algorithm("2.16.840.1.101.3.4.1.45")
AES256_GCM = "2.16.840.1.101.3.4.1.46"

# CMSORIforKEMOtherInfo (RFC 9629, section 5): the wrap algorithm and the length of its key.
KDF_INFO = tlv(SEQUENCE, AES256_WRAP, integer(32))


class Der:
    """Takes values off the front of some bytes, and insists on their tags."""

    def __init__(self, data):
        self.data = data

    def take(self, tag):
        """The contents of the next value."""
        if not self.data or self.data[0] != tag:
            raise ValueError(f"expected tag {tag:#x} before {self.data[:8].hex()}")
        length, start = self.data[1], 2
        if length >= 0x80:
            start += length & 0x7F
            length = int.from_bytes(self.data[2:start], "big")
        value, self.data = self.data[start : start + length], self.data[start + length :]
        if len(value) != length:
            raise ValueError("truncated")
        return value

    def enter(self, tag):
        return Der(self.take(tag))

    def skip(self, expected):
        if not self.data.startswith(expected):
            raise ValueError(f"expected {expected.hex()} before {self.data[:16].hex()}")
        self.data = self.data[len(expected) :]
        return self

    def end(self):
        if self.data:
            raise ValueError(f"left over: {self.data[:16].hex()}")


def key_id(bits):
    """RFC 7093, method 1."""
    return hashlib.sha256(bits).digest()[:20]


def signed_attributes(content):
    attributes = [
        tlv(SEQUENCE, CONTENT_TYPE, tlv(SET, AUTH_ENVELOPED_DATA)),
        tlv(SEQUENCE, MESSAGE_DIGEST, tlv(SET, tlv(OCTETS, hashlib.sha256(content).digest()))),
    ]
    return b"".join(sorted(attributes))


def key_encryption_key(shared):
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=KDF_INFO).derive(shared)


def verified_content(frame, point):
    """The content of a SignedData (RFC 5652, section 5), once its signature holds."""
    outside = Der(frame)
    info = outside.enter(SEQUENCE).skip(SIGNED_DATA)
    outside.end()
    signed = info.enter(CONSTRUCTED_0).enter(SEQUENCE).skip(integer(3)).skip(tlv(SET, SHA256))
    content = signed.enter(SEQUENCE).skip(AUTH_ENVELOPED_DATA).enter(CONSTRUCTED_0).take(OCTETS)
    signer = signed.enter(SET).enter(SEQUENCE).skip(integer(3))
    signed.end()
    signer.skip(tlv(IMPLICIT_0, key_id(point))).skip(SHA256)
    attributes = signer.take(CONSTRUCTED_0)
    signature = signer.skip(ECDSA_WITH_SHA256).take(OCTETS)
    signer.end()
    if attributes != signed_attributes(content):
        raise ValueError("the signed attributes are of another content")
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    key.verify(signature, tlv(SET, attributes), ec.ECDSA(hashes.SHA256()))
    return content


def decrypted(content, kem):
    """The plaintext of an AuthEnvelopedData (RFC 5083) with one KEMRecipientInfo (RFC 9629)."""
    outside = Der(content)
    enveloped = outside.enter(SEQUENCE).skip(integer(0))
    outside.end()
    recipient = enveloped.enter(SET).enter(CONSTRUCTED_4).skip(ORI_KEM).enter(SEQUENCE).skip(integer(0))
    recipient.skip(tlv(IMPLICIT_0, key_id(kem.public_key().public_bytes_raw()))).skip(ML_KEM_768)
    kem_ciphertext = recipient.take(OCTETS)
    wrapped = recipient.skip(HKDF_WITH_SHA256).skip(integer(32)).skip(AES256_WRAP).take(OCTETS)
    recipient.end()

    encrypted = enveloped.enter(SEQUENCE).skip(ID_DATA)
    parameters = encrypted.enter(SEQUENCE).skip(oid(AES256_GCM)).enter(SEQUENCE)
    nonce = parameters.take(OCTETS)
    parameters.skip(integer(16)).end()
    ciphertext = encrypted.take(IMPLICIT_0)
    tag = enveloped.take(OCTETS)
    enveloped.end()

    content_key = aes_key_unwrap(key_encryption_key(kem.decapsulate(kem_ciphertext)), wrapped)
    return AESGCM(content_key).decrypt(nonce, ciphertext + tag, None)


def encrypted_to(public_bytes, plaintext):
    shared, kem_ciphertext = MLKEM768PublicKey.from_public_bytes(public_bytes).encapsulate()
    content_key, nonce = os.urandom(32), os.urandom(12)
    sealed = AESGCM(content_key).encrypt(nonce, plaintext, None)
    recipient = tlv(
        SEQUENCE,
        integer(0),
        tlv(IMPLICIT_0, key_id(public_bytes)),
        ML_KEM_768,
        tlv(OCTETS, kem_ciphertext),
        HKDF_WITH_SHA256,
        integer(32),
        AES256_WRAP,
        tlv(OCTETS, aes_key_wrap(key_encryption_key(shared), content_key)),
    )
    gcm = tlv(SEQUENCE, tlv(OCTETS, nonce), integer(16))
    return tlv(
        SEQUENCE,
        integer(0),
        tlv(SET, tlv(CONSTRUCTED_4, ORI_KEM, recipient)),
        tlv(SEQUENCE, ID_DATA, algorithm(AES256_GCM, gcm), tlv(IMPLICIT_0, sealed[:-16])),
        tlv(OCTETS, sealed[-16:]),
    )


def low_s(signature):
    """The form that this profile asks for: s in the lower half of the order."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    numbers = Der(signature).enter(SEQUENCE)
    r, s = (int.from_bytes(numbers.take(INTEGER), "big") for _ in range(2))
    return tlv(SEQUENCE, integer(r), integer(min(s, order - s)))


def signed_by(key, content):
    point = key.public_key()
    point = b"\x04" + b"".join(n.to_bytes(32, "big") for n in (point.public_numbers().x, point.public_numbers().y))
    attributes = signed_attributes(content)
    signature = low_s(key.sign(tlv(SET, attributes), ec.ECDSA(hashes.SHA256())))
    signer = tlv(
        SEQUENCE,
        integer(3),
        tlv(IMPLICIT_0, key_id(point)),
        SHA256,
        tlv(CONSTRUCTED_0, attributes),
        ECDSA_WITH_SHA256,
        tlv(OCTETS, signature),
    )
    signed = tlv(
        SEQUENCE,
        integer(3),
        tlv(SET, SHA256),
        tlv(SEQUENCE, AUTH_ENVELOPED_DATA, tlv(CONSTRUCTED_0, tlv(OCTETS, content))),
        tlv(SET, signer),
    )
    return tlv(SEQUENCE, SIGNED_DATA, tlv(CONSTRUCTED_0, signed))


def answer(ask):
    if ask["do"] == "open":
        content = verified_content(bytes.fromhex(ask["frame"]), bytes.fromhex(ask["verifying_key"]))
        kem = MLKEM768PrivateKey.from_seed_bytes(bytes.fromhex(ask["kem_seed"]))
        return {"plaintext": decrypted(content, kem).hex()}
    if ask["do"] == "seal":
        key = ec.derive_private_key(int(ask["scalar"], 16), ec.SECP256R1())
        content = encrypted_to(bytes.fromhex(ask["kem_public"]), bytes.fromhex(ask["plaintext"]))
        return {"frame": signed_by(key, content).hex()}
    raise ValueError(f"cannot {ask['do']}")


if __name__ == "__main__":
    json.dump(answer(json.load(sys.stdin)), sys.stdout)
