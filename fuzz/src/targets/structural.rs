//! Schemas of custom resources and objects of them. An input is a schema and an object, a line each.

use crate::{Target, Verdict, law, sample, target};
use skiff_api::schemas;
use skiff_apimachinery::{FieldPath, structural};

const METADATA: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// See [`Target`].
pub const TARGET: Target = Target { name: "structural", seeds: &[
    b"{\"type\":\"object\",\"properties\":{\"spec\":{\"type\":\"object\",\"required\":[\"size\"],\"properties\":{\"size\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":9,\"default\":2,\"multipleOf\":2},\"name\":{\"type\":\"string\",\"pattern\":\"^[a-z]+$\",\"maxLength\":5,\"format\":\"date-time\",\"enum\":[\"a\",\"b\"],\"nullable\":true},\"any\":{\"x-kubernetes-preserve-unknown-fields\":true},\"port\":{\"x-kubernetes-int-or-string\":true}}}}}\n{\"apiVersion\":\"a/v1\",\"kind\":\"A\",\"metadata\":{\"name\":\"x\"},\"spec\":{\"name\":\"a\",\"size\":null,\"other\":1,\"any\":{\"x\":1},\"port\":\"http\"}}",
    b"{\"type\":\"object\",\"properties\":{\"list\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"k\"],\"properties\":{\"k\":{\"type\":\"string\"}}},\"x-kubernetes-list-type\":\"map\",\"x-kubernetes-list-map-keys\":[\"k\"],\"maxItems\":3},\"set\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"x-kubernetes-list-type\":\"set\"},\"map\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"number\"}}},\"anyOf\":[{\"required\":[\"list\"]},{\"not\":{\"required\":[\"set\"]}}]}\n{\"list\":[{\"k\":\"a\"},{\"k\":\"a\"}],\"set\":[\"a\",\"a\"],\"map\":{\"a\":1.5}}",
], made: target::none, run };

fn run(input: &[u8]) -> Verdict {
    let Some((description, mut object)) = sample::two_documents(input) else { return Ok(()) };
    let Some(metadata) = schemas::lookup(METADATA) else { return Ok(()) };
    // A definition with errors is never built.
    if !structural::errors(&description, &FieldPath::new("schema")).is_empty() {
        return Ok(());
    }
    let schema = structural::build(&description, &metadata);
    structural::drop_nulls(&mut object, &schema);
    // The paths of the first time are told to the client.
    let _ = structural::prune(&mut object, &schema);
    let left = structural::prune(&mut object, &schema);
    law::same("what was pruned has no unknown fields", &left, &Vec::new())?;
    structural::default(&mut object, &schema);
    let mut again = object.clone();
    structural::default(&mut again, &schema);
    law::same("defaulting twice is defaulting once", &again, &object)?;
    let _ = structural::validate(&object, &schema);
    Ok(())
}
