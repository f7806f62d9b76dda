//! The server on which a component tells about itself.

use crate::component::monitor::{Endpoint, Tls};
use anyhow::{Context, Result, bail};
use rustls::RootCertStore;
use rustls::server::ResolvesServerCert;
use skiff_pki::{CertificateRequest, FileCertificate};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Upstream's flags of secure serving, without the port, whose default differs.
#[derive(clap::Args, Debug)]
pub(crate) struct ServingFlags {
    /// Address to listen on
    #[arg(long, default_value = "0.0.0.0")]
    pub(crate) bind_address: IpAddr,
    /// Serving certificate, with its chain (default: a self-signed one)
    #[arg(long, value_name = "FILE")]
    tls_cert_file: Option<PathBuf>,
    /// Key of the serving certificate
    #[arg(long, value_name = "FILE")]
    tls_private_key_file: Option<PathBuf>,
    /// Where a self-signed certificate is kept if none is given (default: nowhere, or the component's own place)
    #[arg(long, value_name = "DIR")]
    cert_dir: Option<PathBuf>,
    /// Authorities of client certificates
    #[arg(long, value_name = "FILE")]
    client_ca_file: Option<PathBuf>,
}

impl ServingFlags {
    /// Where to tell; `None` for port 0.
    pub(crate) fn endpoint(&self, component: &str, port: u16) -> Result<Option<Endpoint>> {
        if port == 0 {
            return Ok(None);
        }
        let tls = Tls {
            certificate: self.certificate(component, None, &[])?,
            client_roots: match self.client_ca()? {
                Some(pem) => skiff_pki::serving::roots(&pem).context("--client-ca-file")?,
                None => RootCertStore::empty(),
            },
        };
        Ok(Some(Endpoint { address: SocketAddr::new(self.bind_address, port), tls: Some(tls) }))
    }

    /// The serving certificate: the files, or a self-signed one that is kept in a directory if there is any.
    pub(crate) fn certificate(
        &self,
        component: &str,
        default_dir: Option<&Path>,
        addresses: &[IpAddr],
    ) -> Result<Arc<dyn ResolvesServerCert>> {
        let dir = self.cert_dir.as_deref().or(default_dir);
        certificate(
            self.tls_cert_file.as_deref(),
            self.tls_private_key_file.as_deref(),
            dir,
            component,
            addresses,
        )
    }

    /// PEM of the authorities of client certificates.
    pub(crate) fn client_ca(&self) -> Result<Option<String>> {
        self.client_ca_file.as_deref().map(read).transpose()
    }
}

/// A serving certificate from files, or a self-signed one.
pub(crate) fn certificate(
    certificate: Option<&Path>,
    key: Option<&Path>,
    dir: Option<&Path>,
    component: &str,
    addresses: &[IpAddr],
) -> Result<Arc<dyn ResolvesServerCert>> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(FileCertificate::open(certificate, key)?),
        (None, None) => {
            let host = rustix::system::uname().nodename().to_string_lossy().to_lowercase();
            let mut every = addresses.to_vec();
            every.push(Ipv4Addr::LOCALHOST.into());
            let request = CertificateRequest::server(host.clone(), vec![host, "localhost".to_owned()], every);
            match dir {
                Some(dir) => Ok(FileCertificate::open_or_make(dir, component, &request)?),
                None => Ok(skiff_pki::serving::in_memory(&request)?),
            }
        }
        _ => bail!("--tls-cert-file and --tls-private-key-file must be given together"),
    }
}

/// The text of a file that a flag names.
pub(crate) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
