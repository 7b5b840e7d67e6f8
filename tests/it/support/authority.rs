//! An authority of one's own that vouches for names, and the keys that it vouches for. Made with `openssl`, because no
//! library that is here anyway makes RSA keys.

use std::{fs, path::PathBuf, process::Command};

use super::peer::openssl;

/// The authority; its files are gone when it is dropped.
pub(crate) struct Authority {
    folder: tempfile::TempDir,
}

/// A key and its certificate.
pub(crate) struct Vouched {
    /// The certificate, in PEM.
    pub(crate) certificate: PathBuf,
    /// The private key, in PEM.
    pub(crate) key: PathBuf,
}

impl Authority {
    /// Makes one.
    pub(crate) fn new() -> Self {
        let it = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        fs::write(it.file("root.cnf"), "[req]\ndistinguished_name=dn\nx509_extensions=root\n[dn]\n[root]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n")
            .expect("the folder can be written");
        it.run("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=Midwatch-Tests -config root.cnf -keyout root.key -out root.pem");
        it.run("x509 -in root.pem -outform der -out root.der");
        it
    }

    /// Its own certificate, in PEM.
    pub(crate) fn pem(&self) -> PathBuf {
        self.file("root.pem")
    }

    /// Its own certificate, in DER.
    pub(crate) fn der(&self) -> Vec<u8> {
        fs::read(self.file("root.der")).expect("it was made")
    }

    /// A key for a server of this name.
    pub(crate) fn vouch(&self, name: &str) -> Vouched {
        fs::write(self.file("leaf.cnf"), format!("subjectAltName=DNS:{name}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"))
            .expect("the folder can be written");
        self.run(&format!(
            "req -new -newkey rsa:2048 -nodes -subj /CN={name} -config root.cnf -keyout {name}.key -out {name}.csr"
        ));
        self.run(&format!("x509 -req -in {name}.csr -CA root.pem -CAkey root.key -CAcreateserial -days 2 -extfile leaf.cnf -out {name}.pem"));
        Vouched { certificate: self.file(&format!("{name}.pem")), key: self.file(&format!("{name}.key")) }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &str) {
        finish(openssl().args(arguments.split(' ')).current_dir(self.folder.path()));
    }
}

impl Vouched {
    /// The certificate's text.
    pub(crate) fn pem(&self) -> Vec<u8> {
        fs::read(&self.certificate).expect("it was made")
    }

    /// The signature of a text: RSA over SHA-256.
    pub(crate) fn sign(&self, text: &str) -> Vec<u8> {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        fs::write(file.path(), text).expect("it can be written");
        finish(openssl().args(["dgst", "-sha256", "-sign"]).arg(&self.key).arg(file.path()))
    }
}

fn finish(command: &mut Command) -> Vec<u8> {
    let output = command.output().expect("openssl runs");
    assert!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
