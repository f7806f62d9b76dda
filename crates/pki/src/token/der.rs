//! The few DER forms that ring does not write itself: the wrappings of bare RSA and EC keys.

/// `rsaEncryption` with its NULL parameters.
const RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
/// `id-ecPublicKey` on `prime256v1`.
const P256: &[u8] = &[
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07,
];
const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;

/// SubjectPublicKeyInfo of an RSA key, given as PKCS#1.
pub(super) fn rsa_public_key(pkcs1: &[u8]) -> Vec<u8> {
    public_key(RSA, pkcs1)
}

/// SubjectPublicKeyInfo of a P-256 key, given as an uncompressed point.
pub(super) fn p256_public_key(point: &[u8]) -> Vec<u8> {
    public_key(P256, point)
}

/// PKCS#8 of a P-256 private key, given as SEC1.
pub(super) fn p256_private_key(sec1: &[u8]) -> Vec<u8> {
    let version = [0x02, 0x01, 0x00];
    tagged(SEQUENCE, &[&version, P256, &tagged(OCTET_STRING, &[sec1])])
}

fn public_key(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    // A bit string begins with the number of its unused bits.
    tagged(SEQUENCE, &[algorithm, &tagged(BIT_STRING, &[&[0], key])])
}

fn tagged(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    if length < 0x80 {
        out.extend(u8::try_from(length));
    } else {
        let bytes = length.to_be_bytes();
        let significant = &bytes[bytes.iter().take_while(|&&byte| byte == 0).count()..];
        out.extend(u8::try_from(0x80 + significant.len()));
        out.extend(significant);
    }
    out.extend(parts.concat());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_short_form_where_they_can() {
        assert_eq!(tagged(4, &[&[1], &[2]]), [4, 2, 1, 2]);
        assert_eq!(tagged(4, &[&[0; 127]])[..2], [4, 127]);
        assert_eq!(tagged(4, &[&[0; 128]])[..3], [4, 0x81, 128]);
        assert_eq!(tagged(4, &[&[0; 300]])[..4], [4, 0x82, 1, 44]);
    }
}
