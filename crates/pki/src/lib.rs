//! Certificate authority, certificates, service-account keys and kubeconfigs
