//! A node in memory: it runs every command by swallowing its input until the client leaves.

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use skiff_apiserver::connect::{BoxedConnection, Destination, Dial};
use skiff_pki::{Authority, CertificateRequest, ServingCertificate};
use skiff_streaming::remote_command::{self, CommandStreams, Process};
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// Where the node says it is; nobody listens there.
pub const ADDRESS: &str = "10.0.0.1";
const PIPE: usize = 256 << 10;

/// Leads to the node, whatever is dialed.
pub struct NodeDial {
    authority: Arc<Authority>,
    acceptor: TlsAcceptor,
}

impl NodeDial {
    /// A node with a certificate of an authority of its own.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Arc::new(Authority::open(folder.path(), "server-ca", "server-ca").unwrap());
        let request = CertificateRequest::server("n", vec![], vec![ADDRESS.parse().unwrap()]);
        let certificate = ServingCertificate::new(authority.clone(), request).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let config = builder.with_no_client_auth().with_cert_resolver(certificate);
        Self { authority, acceptor: TlsAcceptor::from(Arc::new(config)) }
    }

    /// What the API server trusts the node by.
    pub fn trust(&self) -> Arc<rustls::ClientConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let roots = skiff_pki::serving::roots(self.authority.certificate_pem()).unwrap();
        Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
    }
}

impl Dial for NodeDial {
    fn dial<'a>(&'a self, _: &'a Destination) -> BoxFuture<'a, io::Result<BoxedConnection>> {
        let (ours, theirs) = tokio::io::duplex(PIPE);
        let acceptor = self.acceptor.clone();
        tokio::spawn(async move {
            // The API server may hang up at any time.
            let Ok(connection) = acceptor.accept(theirs).await else { return };
            let service =
                service_fn(|request: Request<Incoming>| async move { Ok::<_, Infallible>(answer(request)) });
            let serving = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(connection), service);
            let _ = serving.with_upgrades().await;
        });
        Box::pin(async move { Ok(Box::new(ours) as BoxedConnection) })
    }
}

fn answer(mut request: Request<Incoming>) -> Response<Full<Bytes>> {
    let upgrade = match remote_command::negotiate(&request) {
        Ok(upgrade) => upgrade,
        Err(refused) => return refused.response().map(|text| Full::new(Bytes::from(text))),
    };
    let response = upgrade.response().map(|()| Full::default());
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(io) = upgraded.await else { return };
        let streams = CommandStreams { stdin: true, stdout: true, stderr: false, tty: true };
        let process = Process {
            stdin: Some(Box::new(tokio::io::sink())),
            stdout: None,
            stderr: None,
            resize: None,
            outcome: Box::pin(std::future::pending()),
        };
        if let Ok(session) = upgrade.accept(TokioIo::new(io), streams).await {
            // It ends when the client leaves.
            let _ = session.run(process).await;
        }
    });
    response
}
