//! Killing the server at random moments under write load: what was acknowledged is there afterwards, what was deleted stays
//! away, and revisions never go back. `SKIFF_KILL_ROUNDS` sets how often it is killed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should say so and end")]

use skiff_apimachinery::doc;
use skiff_client::resources::CONFIG_MAPS;
use skiff_client::{Client, DeleteOptions, HttpsTransport, Selection};
use skiff_testkit::{Options, Server};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Rounds in the suite; the acceptance runs 200.
const ROUNDS: u64 = 5;
const WRITERS: u64 = 8;

fn client(server: &Server) -> Client {
    let transport = HttpsTransport::from_kubeconfig(&server.path("kubeconfig"), "durability").unwrap();
    Client::new(Arc::new(transport))
}

fn revision(text: &str) -> u64 {
    text.parse().unwrap()
}

/// Writes until the server goes away; every acknowledged name with its revision goes into `seen`.
async fn write(client: Client, seen: Arc<Mutex<HashMap<String, u64>>>, prefix: String) {
    for i in 0.. {
        let name = format!("{prefix}-{i}");
        let object = doc!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name.as_str()}});
        match client.create(&CONFIG_MAPS, "default", object).await {
            Ok(created) => drop(seen.lock().unwrap().insert(name, revision(created.resource_version()))),
            Err(_) => return,
        }
    }
}

#[test]
fn acknowledged_writes_survive_kills() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let rounds = std::env::var("SKIFF_KILL_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(ROUNDS);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let mut server = Server::start(Options::default());
    let seen: Arc<Mutex<HashMap<String, u64>>> = Arc::default();
    let (mut highest, mut acknowledged) = (0, 0);
    for round in 0..rounds {
        // A different moment each time, between 20 and 420 ms after the writers start.
        let moment = Duration::from_millis(20 + (round * 7919) % 400);
        let client_now = client(&server);
        let writers: Vec<_> = (0..WRITERS)
            .map(|w| runtime.spawn(write(client_now.clone(), seen.clone(), format!("r{round}-w{w}"))))
            .collect();
        runtime.block_on(tokio::time::sleep(moment));
        server.kill();
        for writer in writers {
            runtime.block_on(writer).unwrap();
        }
        server.launch();
        let list =
            runtime.block_on(client(&server).list(&CONFIG_MAPS, "default", &Selection::default())).unwrap();
        let found: HashMap<&str, u64> = list
            .items
            .iter()
            .filter(|o| o.name().starts_with('r'))
            .map(|o| (o.name(), revision(o.resource_version())))
            .collect();
        let this_round = format!("r{round}-");
        let risen = found.keys().find(|name| !name.starts_with(&this_round));
        assert_eq!(risen, None, "round {round}: it was deleted in an earlier one");
        let mut seen = seen.lock().unwrap();
        for (name, at) in seen.iter() {
            assert_eq!(found.get(name.as_str()), Some(at), "round {round}: {name} was acknowledged");
        }
        let now = revision(&list.resource_version);
        let newest = seen.values().copied().max().unwrap_or(0);
        assert!(
            now >= newest && now >= highest,
            "round {round}: revision {now} after {newest} and {highest}"
        );
        highest = now;
        acknowledged += seen.len();
        // Each round begins with an empty store, so that two hundred take no longer than two hundred times one.
        seen.clear();
        let everything = Selection::default();
        let options = DeleteOptions::default();
        runtime
            .block_on(client(&server).delete_collection(&CONFIG_MAPS, "default", &everything, &options))
            .unwrap();
    }
    println!("{rounds} kills, {acknowledged} acknowledged writes, revision {highest}");
}
