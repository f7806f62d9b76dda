//! Metric registry in Prometheus text form, and tracing set-up
