//! caching_sha2_password, both sides.
//!
//! Fast: the client sends `SHA256(password) XOR SHA256(SHA256(SHA256(password)) ‖ nonce)`, which somebody
//! who keeps `SHA256(SHA256(password))` can check. Full: the client sends the password itself, ended by a
//! zero byte, over TLS or a Unix socket as it is, over plain TCP XORed with the nonce and encrypted with the
//! server's RSA key (OAEP with SHA-1).

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
    PublicEncryptingKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The one authentication method that Shoal offers and uses.
pub const PLUGIN: &str = "caching_sha2_password";
/// Length of the server's random challenge, in bytes.
pub const NONCE_BYTES: usize = 20;
/// First byte of a packet with more authentication data.
pub const MORE_DATA: u8 = 0x01;
/// First byte of a request to change the method.
pub const SWITCH_REQUEST: u8 = 0xfe;
/// The server's word that the fast scramble was right.
pub const FAST_OK: u8 = 0x03;
/// The server's word that it wants the password itself.
pub const FULL_NEEDED: u8 = 0x04;
/// The client's request for the server's RSA public key.
pub const PUBLIC_KEY_REQUEST: u8 = 0x02;

/// A challenge: random, and without zero bytes, since clients take it for a C string.
pub type Nonce = [u8; NONCE_BYTES];
/// `SHA256(SHA256(password))`: checks fast scrambles; is no substitute for the password.
pub type DoubleDigest = [u8; 32];

/// The system's source of randomness failed, or a key operation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cryptographic operation failed")]
pub struct CryptoError;

impl From<Unspecified> for CryptoError {
    fn from(_: Unspecified) -> Self {
        Self
    }
}

/// A new challenge.
pub fn new_nonce() -> Result<Nonce, CryptoError> {
    let mut nonce = [0; NONCE_BYTES];
    aws_lc_rs::rand::fill(&mut nonce)?;
    for byte in &mut nonce {
        *byte = (*byte & 0x7f).max(1);
        // '$' separates fields in what servers store; MySQL never sends it.
        if *byte == b'$' {
            *byte = b'%';
        }
    }
    Ok(nonce)
}

/// What checks fast scrambles of the password.
pub fn double_digest(password: &[u8]) -> DoubleDigest {
    sha256(&sha256(password))
}

/// The client's answer to the challenge; empty for an empty password.
pub fn scramble(password: &[u8], nonce: &[u8]) -> Vec<u8> {
    if password.is_empty() {
        return Vec::new();
    }
    let once = sha256(password);
    let mask = sha256(&[&sha256(&once)[..], nonce].concat());
    xored(&once, &mask)
}

/// Whether the client's answer comes from the password with this double digest.
pub fn scramble_matches(answer: &[u8], nonce: &[u8], expected: &DoubleDigest) -> bool {
    let mask = sha256(&[&expected[..], nonce].concat());
    answer.len() == mask.len()
        && aws_lc_rs::constant_time::verify_slices_are_equal(&sha256(&xored(answer, &mask)), expected).is_ok()
}

/// The server's RSA key, for full authentication over plain TCP.
pub struct ServerKey {
    private: OaepPrivateDecryptingKey,
    public_pem: String,
}

impl ServerKey {
    /// A new 2,048-bit key; takes some tenths of a second.
    pub fn generate() -> Result<Self, CryptoError> {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa2048)?;
        let der: PublicKeyX509Der<'_> = private.public_key().as_der()?;
        let public_pem = pem("PUBLIC KEY", der.as_ref());
        Ok(Self { private: OaepPrivateDecryptingKey::new(private)?, public_pem })
    }

    /// The public half, as clients expect it.
    pub fn public_pem(&self) -> &str {
        &self.public_pem
    }

    /// The password in a client's encrypted answer, without its zero byte.
    pub fn decrypt_password(&self, encrypted: &[u8], nonce: &Nonce) -> Result<Vec<u8>, CryptoError> {
        let mut out = vec![0; self.private.min_output_size()];
        let plain = self.private.decrypt(&OAEP_SHA1_MGF1SHA1, encrypted, &mut out, None)?;
        strip_zero(&xored(plain, nonce)).map(<[u8]>::to_vec).ok_or(CryptoError)
    }
}

impl std::fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerKey(…)")
    }
}

/// The password, encrypted for the server with this public key.
pub fn encrypt_password(password: &[u8], nonce: &[u8], public_pem: &str) -> Result<Vec<u8>, CryptoError> {
    let body: String = public_pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    let der = STANDARD.decode(body).map_err(|_| CryptoError)?;
    let key = PublicEncryptingKey::from_der(&der).map_err(|_| CryptoError)?;
    let key = OaepPublicEncryptingKey::new(key)?;
    let plain = xored(&[password, &[0]].concat(), nonce);
    let mut out = vec![0; key.ciphertext_size()];
    Ok(key.encrypt(&OAEP_SHA1_MGF1SHA1, &plain, &mut out, None)?.to_vec())
}

/// The password as sent over TLS: without the zero byte that ends it; `None` if that is missing.
pub fn strip_zero(bytes: &[u8]) -> Option<&[u8]> {
    bytes.split_last().filter(|(last, _)| **last == 0).map(|(_, password)| password)
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

fn xored(bytes: &[u8], mask: &[u8]) -> Vec<u8> {
    bytes.iter().zip(mask.iter().cycle()).map(|(a, b)| a ^ b).collect()
}

fn pem(label: &str, der: &[u8]) -> String {
    let mut out = format!("-----BEGIN {label}-----\n");
    let body = STANDARD.encode(der);
    for start in (0..body.len()).step_by(64) {
        out.push_str(&body[start..body.len().min(start + 64)]);
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_scrambles_are_told_from_wrong_ones() {
        let nonce = new_nonce().unwrap();
        let kept = double_digest(b"secret");
        assert!(scramble_matches(&scramble(b"secret", &nonce), &nonce, &kept));
        assert!(!scramble_matches(&scramble(b"Secret", &nonce), &nonce, &kept));
        assert!(!scramble_matches(&scramble(b"secret", &new_nonce().unwrap()), &nonce, &kept));
        assert!(!scramble_matches(&[], &nonce, &kept));
        assert!(!scramble_matches(&kept, &nonce, &kept));
    }

    #[test]
    fn scrambles_are_those_of_mysql_common() {
        let nonce = new_nonce().unwrap();
        let theirs = mysql_common::scramble::scramble_sha256(&nonce, b"secret").unwrap();
        assert_eq!(scramble(b"secret", &nonce), theirs);
    }

    #[test]
    fn passwords_travel_by_rsa() {
        let key = ServerKey::generate().unwrap();
        let nonce = new_nonce().unwrap();
        let long = [b'p'; 150];
        for password in [&b"secret"[..], b"", &long] {
            let sent = encrypt_password(password, &nonce, key.public_pem()).unwrap();
            assert_eq!(key.decrypt_password(&sent, &nonce).unwrap(), password);
            let theirs = mysql_common::crypto::encrypt(
                &xored(&[password, &[0]].concat(), &nonce),
                key.public_pem().as_bytes(),
            );
            assert_eq!(key.decrypt_password(&theirs, &nonce).unwrap(), password);
        }
        assert!(key.decrypt_password(&[7; 256], &nonce).is_err());
        assert!(key.decrypt_password(b"", &nonce).is_err());
    }

    #[test]
    fn nonces_have_no_byte_that_clients_stumble_over() {
        for _ in 0..200 {
            assert!(new_nonce().unwrap().iter().all(|b| (1..0x80).contains(b) && *b != b'$'));
        }
    }
}
