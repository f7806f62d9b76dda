//! A real API server on loopback for tests: embedded store, TLS, a test-only authorizer that allows everything.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should say so and end")]
#![allow(dead_code, reason = "each test file uses its part")]

pub mod kubectl;

use skiff_api::builtin;
use skiff_apimachinery::GroupResource;
use skiff_apimachinery::{Document, GroupVersionResource, Status};
use skiff_apiserver::admission::namespace_lifecycle::NamespaceLifecycle;
use skiff_apiserver::authentication::UserInfo;
use skiff_apiserver::authentication::certificate::ClientCertificate;
use skiff_apiserver::authorization::{Attributes, Authorizer, Decision};
use skiff_apiserver::cache::Caches;
use skiff_apiserver::request::Verb;
use skiff_apiserver::{ApiServer, Config, Local, LocalCall, TlsConfig};
use skiff_pki::{CertificateRequest, Pki, ServingCertificate};
use skiff_storage::Storage;
use skiff_storage::embedded::{EmbeddedOptions, EmbeddedStorage};
use skiff_storage::transform::{AesGcm, AesKey, Transformer};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

struct AllowAll;

impl Authorizer for AllowAll {
    fn authorize(&self, _: &Attributes<'_>) -> Decision {
        Decision::Allow(String::new())
    }
}

/// A running server; stops when dropped.
pub struct Server {
    pub api: ApiServer,
    pub address: SocketAddr,
    pub storage: Arc<dyn Storage>,
    pub directory: TempDir,
    pub pki: Pki,
    pub kubeconfig: PathBuf,
    stop: CancellationToken,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(adjust: impl FnOnce(&mut Config)) -> Self {
        let directory = TempDir::new().unwrap();
        let storage: Arc<dyn Storage> = Arc::new(
            EmbeddedStorage::open(&directory.path().join("db"), EmbeddedOptions::default()).unwrap(),
        );
        let pki = Pki::open(&directory.path().join("pki")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let secrets: Arc<dyn Transformer> =
            Arc::new(AesGcm::new(vec![AesKey::new("key1", &[7; 32]).unwrap()]).unwrap());
        let transformers = HashMap::from([(GroupResource::new("", "secrets"), secrets)]);
        let caches = Caches::new(storage.clone(), builtin(), transformers);
        let mut config = Config::new(caches.clone(), Arc::new(ClientCertificate), Arc::new(AllowAll));
        config.admission.push(Arc::new(NamespaceLifecycle::new(caches)));
        config.public_address = address.to_string();
        adjust(&mut config);
        let api = ApiServer::new(config).await;

        let request =
            CertificateRequest::server("kube-apiserver", vec!["localhost".into()], vec![address.ip()]);
        let tls = TlsConfig {
            certificates: ServingCertificate::new(pki.server_ca.clone(), request).unwrap(),
            client_authorities: certificates(pki.client_ca.certificate_pem()),
        };
        let stop = CancellationToken::new();
        let (server, token) = (api.clone(), stop.clone());
        tokio::spawn(async move { server.run(&tls, vec![listener], token).await.unwrap() });

        let admin =
            pki.client_ca.issue(&CertificateRequest::client("admin", Some("system:masters"))).unwrap();
        let kubeconfig = directory.path().join("kubeconfig");
        let text = skiff_pki::kubeconfig::with_certificate(
            &format!("https://{address}"),
            pki.server_ca.certificate_pem(),
            &admin,
        );
        std::fs::write(&kubeconfig, text).unwrap();
        let running = Self { api, address, storage, directory, pki, kubeconfig, stop };
        for namespace in ["default", "kube-system"] {
            running
                .create(
                    "",
                    "v1",
                    "namespaces",
                    "",
                    skiff_apimachinery::doc!({
                        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}
                    }),
                )
                .await
                .unwrap();
        }
        running
    }

    /// Another API server over the same store, as in a cluster with several.
    pub async fn second(&self, adjust: impl FnOnce(&mut Config)) -> ApiServer {
        let caches = Caches::new(self.storage.clone(), builtin(), HashMap::new());
        let mut config = Config::new(caches, Arc::new(ClientCertificate), Arc::new(AllowAll));
        adjust(&mut config);
        ApiServer::new(config).await
    }

    pub fn local(&self) -> Local {
        self.api.local(UserInfo::authenticated("admin", ["system:masters"]), "test")
    }

    pub async fn create(
        &self,
        group: &str,
        version: &str,
        plural: &str,
        namespace: &str,
        object: Document,
    ) -> Result<Arc<Document>, Status> {
        let mut call = call(Verb::Create, group, version, plural, namespace, "");
        call.body = Some(object);
        self.local().call(call).await
    }

    pub async fn get(&self, plural: &str, namespace: &str, name: &str) -> Result<Arc<Document>, Status> {
        self.local().call(call(Verb::Get, "", "v1", plural, namespace, name)).await
    }
}

pub fn call(verb: Verb, group: &str, version: &str, plural: &str, namespace: &str, name: &str) -> LocalCall {
    LocalCall {
        verb,
        resource: GroupVersionResource::new(group.to_owned(), version.to_owned(), plural.to_owned()),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        subresource: String::new(),
        query: Vec::new(),
        body: None,
        content_type: "",
    }
}

pub fn certificates(pem: &str) -> Vec<rustls::pki_types::CertificateDer<'static>> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap).collect()
}
