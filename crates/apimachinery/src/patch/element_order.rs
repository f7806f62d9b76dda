//! The order of a merged list: what the patch names in the patch's order, what only the server has in the server's
//! order, woven together so that the server's order decides between neighbours that it knows.

use super::strategic::same_key;
use crate::Document;

/// Orders elements told apart by a key.
pub(super) fn order_maps(
    merged: Vec<Document>,
    patch: &[Document],
    server: &[Document],
    key: &str,
) -> Vec<Document> {
    weave(merged, patch, server, |a, b| b.get(key).is_some_and(|b| same_key(a.get(key), b)))
}

/// Orders scalars.
pub(super) fn order_scalars(merged: Vec<Document>, patch: &[Document], server: &[Document]) -> Vec<Document> {
    weave(merged, patch, server, |a, b| a == b)
}

fn weave(
    merged: Vec<Document>,
    patch: &[Document],
    server: &[Document],
    same: impl Fn(&Document, &Document) -> bool,
) -> Vec<Document> {
    let place = |list: &[Document], element: &Document| list.iter().position(|other| same(element, other));
    let (mut named, mut server_only): (Vec<_>, Vec<_>) =
        merged.into_iter().partition(|element| place(patch, element).is_some());
    named.sort_by_key(|element| place(patch, element));
    server_only.sort_by_key(|element| place(server, element).unwrap_or(usize::MAX));

    let mut out = Vec::with_capacity(named.len() + server_only.len());
    let mut named = named.into_iter().peekable();
    let mut server_only = server_only.into_iter().peekable();
    while let (Some(left), Some(right)) = (server_only.peek(), named.peek()) {
        let server_first = match (place(server, left), place(server, right)) {
            (Some(left), Some(right)) => left < right,
            _ => false,
        };
        out.extend(if server_first { server_only.next() } else { named.next() });
    }
    out.extend(server_only);
    out.extend(named);
    out
}
