//! What happens when the etcd server is not there, or goes away.

use skiff_storage::etcd::{EtcdOptions, EtcdStorage};
use skiff_storage::{Storage, StorageError};
use skiff_testkit::etcd::{EtcdServer, free_url};

pub async fn connect(server: &EtcdServer) -> EtcdStorage {
    let options = EtcdOptions { endpoints: vec![server.endpoint().to_owned()], tls: None };
    EtcdStorage::connect(options).await.unwrap()
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_soon() {
    let options = EtcdOptions { endpoints: vec![free_url()], tls: None };
    match EtcdStorage::connect(options).await {
        Err(StorageError::Unavailable(_)) => {}
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("connected to nothing"),
    }
}

#[tokio::test]
async fn a_server_that_goes_away_ends_watches_and_refuses_writes() {
    let Some(server) = EtcdServer::start() else { return };
    let store = connect(&server).await;
    let mut watcher = crate::steps::Watcher::start(&store, "/k", 0).await;
    crate::steps::create(&store, "/k", "x").await;
    watcher.event().await;
    drop(server);
    assert!(matches!(watcher.error().await, StorageError::Unavailable(_)));
    assert!(matches!(store.revision().await, Err(StorageError::Unavailable(_))));
}
