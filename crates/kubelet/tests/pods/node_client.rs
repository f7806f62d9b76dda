//! A client of the node server, as the API server is one.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use skiff_pki::serving::{parse, roots};
use skiff_pki::{Authority, Issued};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_rustls::TlsConnector;

pub struct NodeClient {
    address: SocketAddr,
    connector: TlsConnector,
}

impl NodeClient {
    pub fn new(address: SocketAddr, authority: &Authority, own: Option<&Issued>) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots(authority.certificate_pem()).unwrap());
        let config = match own {
            Some(issued) => {
                let (chain, key) = parse(issued).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
            None => builder.with_no_client_auth(),
        };
        Self { address, connector: TlsConnector::from(Arc::new(config)) }
    }

    /// The status and body of an answer.
    pub async fn get(&self, path: &str) -> (u16, String) {
        let stream = tokio::net::TcpStream::connect(self.address).await.unwrap();
        let stream = self.connector.connect("sail".try_into().unwrap(), stream).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = hyper::Request::get(path).header("host", "sail").body(Empty::<Bytes>::new()).unwrap();
        let response = sender.send_request(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}
