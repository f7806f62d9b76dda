//! The API client that components hold: transport, informers, work queue, events, leader election
