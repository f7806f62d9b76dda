//! kube-proxy: Services and EndpointSlices to nf_tables rules
