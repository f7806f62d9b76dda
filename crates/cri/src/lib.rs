//! Container Runtime Interface v1: the trait that the kubelet drives and the runtime serves
