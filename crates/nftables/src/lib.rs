//! nf_tables over netlink: rule sets, maps, atomic batches
