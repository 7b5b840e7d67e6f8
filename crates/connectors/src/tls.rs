//! The one provider of cryptography for TLS.

/// Makes `ring` the process-wide provider of TLS cryptography. Without it the first encrypted connection has none and
/// fails. May be called any number of times, from anywhere; a provider that was installed before stays.
pub fn install_tls() {
    // An error means that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
