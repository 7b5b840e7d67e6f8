//! The certificate that signs: who issued it, for whom, until when, and what its key says about a message.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, UnparsedPublicKey, VerificationAlgorithm,
};
use rustls_pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, ServerName, SignatureVerificationAlgorithm,
    TrustAnchor, UnixTime, alg_id,
};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage};

use super::message::{self, SnsMessage};

/// Who the certificate must be for: the service as a whole, or that of the region.
const NAMES: [&str; 2] = ["sns.amazonaws.com", "sns.amazonaws.com.cn"];
/// What newer regions have in place of `sns.` in front of the name.
const SIGNING: &str = "sns-signing.";
/// Where Amazon's authorities lie.
const ISSUERS: &str = ".amazontrust.com";
/// A file holds at most so many certificates.
const MAX_CERTIFICATES: usize = 8;

/// Why a certificate is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// Who issued it is not in the file, and lies there.
    IssuerMissing { at: String },
    /// Anything else.
    Bad(String),
}

impl std::fmt::Display for Doubt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::IssuerMissing { .. } => f.write_str("the certificate that signs has an unknown issuer"),
            Self::Bad(why) => write!(f, "the certificate that signs is not good: {why}"),
        }
    }
}

/// Where a certificate was found, and whom it must lead to.
#[derive(Clone)]
pub(super) struct Found {
    /// The host of the link.
    pub(super) host: String,
    /// The authorities that are trusted.
    pub(super) anchors: Arc<[TrustAnchor<'static>]>,
}

/// A certificate of the service, whose chain was checked.
pub(super) struct Signer {
    certificate: CertificateDer<'static>,
    /// Those between it and an authority.
    between: Vec<CertificateDer<'static>>,
    anchors: Arc<[TrustAnchor<'static>]>,
    /// Where it was found.
    host: String,
}

impl Signer {
    /// The signer in a file of certificates (PEM).
    pub(super) fn new(pem: &[u8], found: &Found, now: UnixTime) -> Result<Self, Doubt> {
        let mut certificates = certificates(pem)?;
        let certificate = certificates.remove(0);
        let Found { host, anchors } = found.clone();
        let signer = Self { certificate, between: certificates, anchors, host };
        signer.check(now).map_err(|error| match (error, issuer(&signer.certificate)) {
            (webpki::Error::UnknownIssuer, Some(at)) if signer.between.is_empty() => {
                Doubt::IssuerMissing { at }
            }
            (error, _) => Doubt::Bad(explain(&error)),
        })?;
        Ok(signer)
    }

    /// The signer in a file, with the certificate of its issuer (DER or PEM) beside it.
    pub(super) fn with_issuer(
        pem: &[u8],
        issuer: &[u8],
        found: &Found,
        now: UnixTime,
    ) -> Result<Self, Doubt> {
        let certificate = certificates(pem)?.remove(0);
        let between =
            if issuer.starts_with(b"-----") { certificates(issuer)? } else { vec![issuer.to_vec().into()] };
        let Found { host, anchors } = found.clone();
        let signer = Self { certificate, between, anchors, host };
        signer.check(now).map_err(|error| Doubt::Bad(explain(&error)))?;
        Ok(signer)
    }

    /// Chain, time and name.
    fn check(&self, now: UnixTime) -> Result<(), webpki::Error> {
        let certificate = EndEntityCert::try_from(&self.certificate)?;
        certificate.verify_for_usage(
            ALL_VERIFICATION_ALGS,
            &self.anchors,
            &self.between,
            now,
            KeyUsage::server_auth(),
            None,
            None,
        )?;
        let named = |name: &str| {
            ServerName::try_from(name)
                .is_ok_and(|name| certificate.verify_is_valid_for_subject_name(&name).is_ok())
        };
        let region = [self.host.clone(), self.host.replacen("sns.", SIGNING, 1)];
        if NAMES.iter().any(|name| named(name)) || region.iter().any(|name| named(name)) {
            Ok(())
        } else {
            Err(webpki::Error::UnsupportedNameType)
        }
    }

    /// Whether the message was signed with its key.
    pub(super) fn verify(&self, message: &SnsMessage, now: UnixTime) -> Result<(), String> {
        // Kept for hours, so it may have run out since.
        self.check(now).map_err(|error| Doubt::Bad(explain(&error)).to_string())?;
        let algorithm: &dyn SignatureVerificationAlgorithm = match message.signature_version.as_str() {
            "1" => &RsaSha1,
            "2" => webpki::ring::RSA_PKCS1_2048_8192_SHA256,
            other => return Err(message::no_version(other)),
        };
        let signature =
            STANDARD.decode(&message.signature).map_err(|_| "the signature is not base64".to_owned())?;
        let signed = message.signed()?;
        let certificate = EndEntityCert::try_from(&self.certificate)
            .map_err(|error| Doubt::Bad(explain(&error)).to_string())?;
        certificate
            .verify_signature(algorithm, signed.as_bytes(), &signature)
            .map_err(|_| "the signature is not that of the message".to_owned())
    }
}

fn explain(error: &webpki::Error) -> String {
    match error {
        webpki::Error::UnsupportedNameType => "it is not for Amazon's notification service".to_owned(),
        webpki::Error::CertExpired { .. } => "it has expired".to_owned(),
        webpki::Error::CertNotValidYet { .. } => "it is not in force yet".to_owned(),
        webpki::Error::UnknownIssuer => "its issuer is not trusted".to_owned(),
        other => format!("{other:?}"),
    }
}

/// The certificates of a file.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Doubt> {
    let bad = |why: &str| Doubt::Bad(why.to_owned());
    let text = std::str::from_utf8(pem).map_err(|_| bad("it is not PEM"))?;
    let mut found = vec![];
    for part in text.split("-----BEGIN CERTIFICATE-----").skip(1).take(MAX_CERTIFICATES) {
        let (base64, _) = part.split_once("-----END CERTIFICATE-----").ok_or_else(|| bad("it breaks off"))?;
        let base64: String = base64.split_whitespace().collect();
        let der = STANDARD.decode(base64).map_err(|_| bad("it is not base64"))?;
        found.push(CertificateDer::from(der));
    }
    if found.is_empty() { Err(bad("the file holds no certificate")) } else { Ok(found) }
}

/// Where a certificate says that its issuer lies, if that is where Amazon's authorities are. What is found there is
/// believed only if it completes a chain to an authority, so looking for the mark without reading all of the
/// certificate's structure is good enough.
fn issuer(certificate: &CertificateDer<'_>) -> Option<String> {
    // "Access method: issuer", and the tag of a link.
    const MARK: [u8; 11] = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02, 0x86];
    let at = certificate.windows(MARK.len()).position(|window| window == MARK)? + MARK.len();
    let length = usize::from(*certificate.get(at)?);
    let url = std::str::from_utf8(certificate.get(at + 1..at + 1 + length)?).ok()?;
    let link = reqwest::Url::parse(url).ok()?;
    let amazon = link.host_str().is_some_and(|host| host.ends_with(ISSUERS));
    let plain = link.port().is_none() && link.username().is_empty() && length < 128;
    (amazon && plain && matches!(link.scheme(), "http" | "https")).then(|| url.to_owned())
}

/// RSA over SHA-1, which the first version of signatures uses, and no TLS library offers any more.
#[derive(Debug)]
struct RsaSha1;

impl SignatureVerificationAlgorithm for RsaSha1 {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let algorithm: &'static dyn VerificationAlgorithm = &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY;
        UnparsedPublicKey::new(algorithm, key).verify(message, signature).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_ENCRYPTION
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        // 1.2.840.113549.1.1.5, without parameters.
        const SHA1_WITH_RSA: &[u8] =
            &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05, 0x05, 0x00];
        AlgorithmIdentifier::from_slice(SHA1_WITH_RSA)
    }
}
