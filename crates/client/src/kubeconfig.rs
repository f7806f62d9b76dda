//! Kubeconfig files: where an API server is and who calls it.
//!
//! Reads what `kubectl` reads (YAML or JSON, paths relative to the file); writes by rename and for the owner only, as the
//! file holds keys. Of the ways to authenticate, certificates, tokens and passwords are understood; `exec` plugins are
//! refused by name.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use skiff_apimachinery::{Document, doc, yaml};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Largest file that is read.
const MAX_SIZE: u64 = 4 << 20;

/// A kubeconfig that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KubeconfigError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The text is no kubeconfig.
    #[error("invalid kubeconfig: {0}")]
    Malformed(String),
    /// A name is used that nothing has.
    #[error("{what} {name:?} does not exist")]
    Missing {
        /// `context`, `cluster` or `user`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The user authenticates by a plugin.
    #[error("user {0:?} authenticates by an exec or auth-provider plugin, which is not supported")]
    Plugin(String),
}

/// A kubeconfig.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Kubeconfig {
    /// Clusters by name.
    pub clusters: Vec<NamedCluster>,
    /// Users by name.
    pub users: Vec<NamedUser>,
    /// Contexts by name.
    pub contexts: Vec<NamedContext>,
    /// The context that counts unless another is asked for.
    #[serde(rename = "current-context")]
    pub current_context: String,
    /// What relative paths are relative to.
    #[serde(skip)]
    pub directory: PathBuf,
}

/// A cluster's name and access.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the names are the file's")]
pub struct NamedCluster {
    pub name: String,
    pub cluster: Cluster,
}

/// Where an API server is and how it proves itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are the file's")]
pub struct Cluster {
    pub server: String,
    pub certificate_authority: Option<PathBuf>,
    pub certificate_authority_data: Option<String>,
    pub insecure_skip_tls_verify: bool,
    pub tls_server_name: Option<String>,
}

/// A user's name and credentials.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the names are the file's")]
pub struct NamedUser {
    pub name: String,
    pub user: User,
}

/// How a user proves itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are the file's")]
pub struct User {
    pub client_certificate: Option<PathBuf>,
    pub client_certificate_data: Option<String>,
    pub client_key: Option<PathBuf>,
    pub client_key_data: Option<String>,
    pub token: Option<String>,
    #[serde(rename = "tokenFile")]
    pub token_file: Option<PathBuf>,
    pub username: Option<String>,
    pub password: Option<String>,
    exec: Option<Document>,
    auth_provider: Option<Document>,
}

/// A context's name and what it combines.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the names are the file's")]
pub struct NamedContext {
    pub name: String,
    pub context: Context,
}

/// A cluster, a user, and the namespace that is meant where none is named.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the names are the file's")]
pub struct Context {
    pub cluster: String,
    pub user: String,
    pub namespace: Option<String>,
}

/// What a context says, with the contents of all files but the token's, which may change.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// `https://HOST:PORT`, possibly with a path.
    pub server: String,
    /// Certificates to check the server with, PEM; `None` for the system's.
    pub certificate_authority: Option<Vec<u8>>,
    /// Whether the server's certificate is not checked.
    pub insecure_skip_tls_verify: bool,
    /// The name that the server's certificate must have, if not the host's.
    pub tls_server_name: Option<String>,
    /// Certificate chain and key, PEM.
    pub client_certificate: Option<(Vec<u8>, Vec<u8>)>,
    /// A bearer token.
    pub token: Option<String>,
    /// A file with a bearer token; it is read again now and then.
    pub token_file: Option<PathBuf>,
    /// User name and password.
    pub basic: Option<(String, String)>,
    /// The namespace that is meant where none is named.
    pub namespace: String,
}

impl Kubeconfig {
    /// Reads a file.
    ///
    /// # Errors
    /// If the file cannot be read or is no kubeconfig.
    pub fn load(path: &Path) -> Result<Self, KubeconfigError> {
        let text =
            String::from_utf8(read(path)?).map_err(|error| KubeconfigError::Malformed(error.to_string()))?;
        let mut config = Self::parse(&text)?;
        config.directory = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Ok(config)
    }

    /// Reads text; relative paths are relative to the working directory.
    ///
    /// # Errors
    /// If the text is no kubeconfig.
    pub fn parse(text: &str) -> Result<Self, KubeconfigError> {
        let doc = yaml::decode(text).map_err(|error| KubeconfigError::Malformed(error.to_string()))?;
        if !matches!(doc.str_at(&["kind"]), "Config" | "") {
            return Err(KubeconfigError::Malformed(format!(
                "kind is {:?}, not Config",
                doc.str_at(&["kind"])
            )));
        }
        doc.read().map_err(|error| KubeconfigError::Malformed(error.to_string()))
    }

    /// What a context says; the current one if none is named.
    ///
    /// # Errors
    /// If a name or a file is missing, or the user authenticates by a plugin.
    pub fn access(&self, context: Option<&str>) -> Result<Access, KubeconfigError> {
        let name = context.unwrap_or(&self.current_context);
        let missing = |what, name: &str| KubeconfigError::Missing { what, name: name.to_owned() };
        let context =
            self.contexts.iter().find(|c| c.name == name).ok_or_else(|| missing("context", name))?;
        let context = &context.context;
        let cluster = self.clusters.iter().find(|c| c.name == context.cluster);
        let cluster = &cluster.ok_or_else(|| missing("cluster", &context.cluster))?.cluster;
        let user = self.users.iter().find(|u| u.name == context.user);
        let user = &user.ok_or_else(|| missing("user", &context.user))?.user;
        if user.exec.is_some() || user.auth_provider.is_some() {
            return Err(KubeconfigError::Plugin(context.user.clone()));
        }
        let certificate = self.content(&user.client_certificate_data, &user.client_certificate)?;
        let key = self.content(&user.client_key_data, &user.client_key)?;
        Ok(Access {
            server: cluster.server.trim_end_matches('/').to_owned(),
            certificate_authority: self
                .content(&cluster.certificate_authority_data, &cluster.certificate_authority)?,
            insecure_skip_tls_verify: cluster.insecure_skip_tls_verify,
            tls_server_name: cluster.tls_server_name.clone(),
            client_certificate: certificate.zip(key),
            token: user.token.clone().filter(|token| !token.is_empty()),
            token_file: user.token_file.as_ref().map(|path| self.directory.join(path)),
            basic: user.username.clone().map(|name| (name, user.password.clone().unwrap_or_default())),
            namespace: context.namespace.clone().unwrap_or_else(|| "default".to_owned()),
        })
    }

    /// Inline data, which wins, or a file's content.
    fn content(
        &self,
        data: &Option<String>,
        path: &Option<PathBuf>,
    ) -> Result<Option<Vec<u8>>, KubeconfigError> {
        match (data, path) {
            (Some(data), _) if !data.is_empty() => {
                let decoded = STANDARD.decode(data.trim());
                decoded.map(Some).map_err(|error| KubeconfigError::Malformed(format!("base64 data: {error}")))
            }
            (_, Some(path)) => read(&self.directory.join(path)).map(Some),
            _ => Ok(None),
        }
    }
}

impl Access {
    /// A kubeconfig with this access alone, its entries named `default`.
    pub fn to_document(&self) -> Document {
        let encoded = |bytes: &[u8]| Document::from(STANDARD.encode(bytes));
        let mut cluster = doc!({"server": self.server.as_str()});
        if let Some(authority) = &self.certificate_authority {
            cluster.insert("certificate-authority-data", encoded(authority));
        }
        if self.insecure_skip_tls_verify {
            cluster.insert("insecure-skip-tls-verify", true);
        }
        if let Some(name) = &self.tls_server_name {
            cluster.insert("tls-server-name", name);
        }
        let mut user = Document::object();
        if let Some((certificate, key)) = &self.client_certificate {
            user.insert("client-certificate-data", encoded(certificate));
            user.insert("client-key-data", encoded(key));
        }
        if let Some(token) = &self.token {
            user.insert("token", token);
        }
        if let Some(path) = &self.token_file {
            user.insert("tokenFile", path.to_string_lossy());
        }
        if let Some((name, password)) = &self.basic {
            user.insert("username", name);
            user.insert("password", password);
        }
        let mut context = doc!({"cluster": "default", "user": "default"});
        if !matches!(self.namespace.as_str(), "" | "default") {
            context.insert("namespace", self.namespace.as_str());
        }
        doc!({
            "apiVersion": "v1",
            "kind": "Config",
            "preferences": {},
            "clusters": [{"name": "default", "cluster": cluster}],
            "users": [{"name": "default", "user": user}],
            "contexts": [{"name": "default", "context": context}],
            "current-context": "default"
        })
    }

    /// Writes the kubeconfig: readable by the owner only, and whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), KubeconfigError> {
        let failed = |source| KubeconfigError::Io { path: path.to_path_buf(), source };
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}", std::process::id()));
        let new = path.with_file_name(name);
        create_private(&new)
            .and_then(|mut file| {
                file.write_all(yaml::encode(&self.to_document()).as_bytes())?;
                file.sync_all()?;
                std::fs::rename(&new, path)
            })
            .map_err(failed)
    }
}

fn create_private(path: &Path) -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn read(path: &Path) -> Result<Vec<u8>, KubeconfigError> {
    use std::io::Read;
    let failed = |source| KubeconfigError::Io { path: path.to_path_buf(), source };
    let mut content = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(MAX_SIZE).read_to_end(&mut content).map_err(failed)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "apiVersion: v1
kind: Config
clusters:
- cluster:
    certificate-authority: ca.crt
    server: https://127.0.0.1:6443/
  name: here
contexts:
- context: {cluster: here, user: me, namespace: web}
  name: main
current-context: main
users:
- name: me
  user:
    token: secret
- name: plugged
  user:
    exec: {command: aws}
";

    #[test]
    fn a_file_is_read_as_kubectl_reads_it() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ca.crt"), "PEM").unwrap();
        std::fs::write(directory.path().join("config"), TEXT).unwrap();
        let access = Kubeconfig::load(&directory.path().join("config")).unwrap().access(None).unwrap();
        assert_eq!(access.server, "https://127.0.0.1:6443");
        assert_eq!(access.certificate_authority.as_deref(), Some(&b"PEM"[..]));
        assert_eq!((access.token.as_deref(), access.namespace.as_str()), (Some("secret"), "web"));
    }

    #[test]
    fn what_is_written_is_read_back_and_private() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config");
        let access = Access {
            server: "https://[::1]:6443".into(),
            client_certificate: Some((b"cert".to_vec(), b"key".to_vec())),
            namespace: "default".into(),
            ..Access::default()
        };
        access.write(&path).unwrap();
        let read = Kubeconfig::load(&path).unwrap().access(None).unwrap();
        assert_eq!((read.server, read.client_certificate), (access.server, access.client_certificate));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let config = Kubeconfig::parse(TEXT).unwrap();
        assert_eq!(
            config.access(Some("other")).unwrap_err().to_string(),
            r#"context "other" does not exist"#
        );
        let plugged = Kubeconfig::parse(&TEXT.replace("user: me,", "user: plugged,")).unwrap();
        assert!(matches!(plugged.access(None), Err(KubeconfigError::Plugin(_))));
        assert!(Kubeconfig::parse("kind: Pod").is_err());
    }
}
