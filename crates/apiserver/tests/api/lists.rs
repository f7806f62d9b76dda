//! Lists: freshness, selectors, pages.

use crate::support::{Server, call};
use skiff_apimachinery::{Status, doc};
use skiff_apiserver::LocalList;
use skiff_apiserver::request::Verb;

async fn list(server: &Server, query: &[(&str, &str)]) -> Result<LocalList, Status> {
    let mut call = call(Verb::List, "", "v1", "configmaps", "default", "");
    call.query = query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    server.local().list(call).await
}

fn names(list: &LocalList) -> Vec<&str> {
    list.items.iter().map(|item| item.name()).collect()
}

async fn with_five() -> Server {
    let server = Server::start().await;
    for (name, label) in [("e", "odd"), ("a", "odd"), ("d", "even"), ("b", "even"), ("c", "odd")] {
        server.make_config_map(name, label).await;
    }
    server
}

#[tokio::test]
async fn a_list_shows_every_write_before_it_in_order() {
    let server = with_five().await;
    assert_eq!(names(&list(&server, &[]).await.unwrap()), ["a", "b", "c", "d", "e"]);
    server.make_config_map("f", "x").await;
    assert_eq!(list(&server, &[]).await.unwrap().items.len(), 6);
}

#[tokio::test]
async fn selectors_select() {
    let server = with_five().await;
    let odd = list(&server, &[("labelSelector", "app=odd")]).await.unwrap();
    assert_eq!(names(&odd), ["a", "c", "e"]);
    let one = list(&server, &[("fieldSelector", "metadata.name=b")]).await.unwrap();
    assert_eq!(names(&one), ["b"]);
    let refused = list(&server, &[("fieldSelector", "data.a=b")]).await.unwrap_err();
    assert_eq!((refused.code, refused.message.as_str()), (400, "field label not supported: data.a"));
    assert_eq!(list(&server, &[("labelSelector", "a in (")]).await.unwrap_err().code, 400);
}

#[tokio::test]
async fn pages_show_one_revision_although_objects_change() {
    let server = with_five().await;
    let first = list(&server, &[("limit", "2")]).await.unwrap();
    assert_eq!(names(&first), ["a", "b"]);
    server.make_config_map("bb", "odd").await;
    server.delete("configmaps", "d", doc!({})).await.unwrap();
    let second = list(&server, &[("limit", "2"), ("continue", &first.continue_token)]).await.unwrap();
    assert_eq!(names(&second), ["c", "d"]);
    assert_eq!(second.resource_version, first.resource_version);
    let third = list(&server, &[("limit", "2"), ("continue", &second.continue_token)]).await.unwrap();
    assert_eq!((names(&third), third.continue_token.as_str()), (vec!["e"], ""));
}

#[tokio::test]
async fn pages_of_a_selection_are_full() {
    let server = with_five().await;
    let query = [("limit", "1"), ("labelSelector", "app=odd")];
    let mut page = list(&server, &query).await.unwrap();
    let mut all: Vec<String> = names(&page).into_iter().map(str::to_owned).collect();
    while !page.continue_token.is_empty() {
        let token = page.continue_token.clone();
        page = list(&server, &[query[0], query[1], ("continue", &token)]).await.unwrap();
        all.extend(names(&page).into_iter().map(str::to_owned));
    }
    assert_eq!(all, ["a", "c", "e"]);
}

#[tokio::test]
async fn a_compacted_page_offers_to_go_on() {
    let server = with_five().await;
    let first = list(&server, &[("limit", "2")]).await.unwrap();
    server.make_config_map("f", "x").await;
    let now = server.storage.revision().await.unwrap();
    server.storage.compact(now).await.unwrap();
    let expired = list(&server, &[("limit", "2"), ("continue", &first.continue_token)]).await.unwrap_err();
    assert_eq!(expired.code, 410);
    let token = &expired.details.as_ref().unwrap().causes[0].message;
    let rest = list(&server, &[("continue", token)]).await.unwrap();
    assert_eq!(names(&rest), ["c", "d", "e", "f"]);
}

#[tokio::test]
async fn an_exact_revision_is_what_was_then() {
    let server = with_five().await;
    let then = list(&server, &[]).await.unwrap().resource_version;
    server.delete("configmaps", "a", doc!({})).await.unwrap();
    let query = [("resourceVersion", then.as_str()), ("resourceVersionMatch", "Exact")];
    assert_eq!(list(&server, &query).await.unwrap().items.len(), 5);
    let future = list(&server, &[("resourceVersion", "999999")]).await.unwrap_err();
    assert_eq!(future.code, 504);
    assert!(future.message.starts_with("Too large resource version: 999999, current: "));
}

#[tokio::test]
async fn a_collection_is_deleted_by_selector() {
    let server = with_five().await;
    let mut call = call(Verb::DeleteCollection, "", "v1", "configmaps", "default", "");
    call.query = vec![("labelSelector".into(), "app=odd".into())];
    server.local().call(call).await.unwrap();
    assert_eq!(names(&list(&server, &[]).await.unwrap()), ["b", "d"]);
}
