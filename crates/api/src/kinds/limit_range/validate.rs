//! What is wrong with a LimitRange.

use crate::resource_list::ResourceList;
use crate::validation::{invalid, names, resources};
use skiff_apimachinery::quantity::Quantity;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::BTreeSet;

const POD: &str = "Pod";
const CONTAINER: &str = "Container";
const CLAIM: &str = "PersistentVolumeClaim";
/// What claims are limited by.
const STORAGE: &str = "storage";

/// One type's limits.
struct Limits {
    min: ResourceList,
    max: ResourceList,
    default: ResourceList,
    default_request: ResourceList,
    ratio: ResourceList,
}

/// What is wrong with all of the limits.
pub(super) fn limit_range(object: &Document) -> FieldErrors {
    let field = FieldPath::new("spec").child("limits");
    let mut types = BTreeSet::new();
    let mut out = FieldErrors::new();
    for (i, item) in object.array_at(&["spec", "limits"]).iter().enumerate() {
        let field = field.index(i);
        let ty = item.str_at(&["type"]);
        out.extend(type_name(&field.child("type"), ty));
        if !types.insert(ty) {
            out.push(FieldError::duplicate(&field.child("type"), ty));
        }
        out.extend(item_errors(&field, ty, item));
    }
    out
}

fn type_name(field: &FieldPath, ty: &str) -> FieldErrors {
    let mut out = invalid(field, ty, names::qualified_name(ty));
    if out.is_empty() && !ty.contains('/') && ![POD, CONTAINER, CLAIM].contains(&ty) {
        out.push(FieldError::invalid(field, ty, "must be a standard limit type or fully qualified"));
    }
    out
}

fn item_errors(field: &FieldPath, ty: &str, item: &Document) -> FieldErrors {
    let mut limits = Limits::read(item);
    let names = |child: &str, list: &ResourceList| -> FieldErrors {
        list.names().flat_map(|name| resource_name(&field.child(child).key(name), ty, name)).collect()
    };
    let mut out = names("max", &limits.max);
    out.extend(names("min", &limits.min));
    let defaults = [("default", &mut limits.default), ("defaultRequest", &mut limits.default_request)];
    for (child, list) in defaults {
        if ty != POD {
            out.extend(names(child, list));
        } else if !std::mem::take(list).is_empty() {
            let why = "may not be specified when `type` is 'Pod'";
            out.push(FieldError::forbidden(&field.child(child), why));
        }
    }
    if ty == CLAIM && !limits.min.contains(STORAGE) && !limits.max.contains(STORAGE) {
        let why = "either minimum or maximum storage value is required, but neither was provided";
        out.push(FieldError::required(&field.child("limits"), why));
    }
    out.extend(names("maxLimitRequestRatio", &limits.ratio));
    for name in limits.names() {
        out.extend(limits.order_errors(field, name));
        out.extend(limits.ratio_errors(field, name));
        out.extend(limits.default_errors(field, name));
    }
    out
}

/// Claims and types of others may limit storage too, not just what pods ask for.
fn resource_name(field: &FieldPath, ty: &str, name: &str) -> FieldErrors {
    match ty {
        POD | CONTAINER => resources::container_name(field, name),
        _ => resources::name(field, name),
    }
}

impl Limits {
    fn read(item: &Document) -> Self {
        let list = |field: &str| ResourceList::read(item.object_at(&[field]));
        Self {
            min: list("min"),
            max: list("max"),
            default: list("default"),
            default_request: list("defaultRequest"),
            ratio: list("maxLimitRequestRatio"),
        }
    }

    /// All resources that are limited in any way.
    fn names(&self) -> BTreeSet<&str> {
        let lists = [&self.min, &self.max, &self.default, &self.default_request, &self.ratio];
        lists.into_iter().flat_map(ResourceList::names).collect()
    }

    /// Least, default request, default limit, most: none is greater than those after it.
    fn order_errors(&self, field: &FieldPath, name: &str) -> FieldErrors {
        let min = ("min value", self.min.get(name));
        let max = ("max value", self.max.get(name));
        let request = ("default request value", self.default_request.get(name));
        let limit = |words| (words, self.default.get(name));
        // What is less, what is more, the field to blame, the value that it shows; as upstream pairs them.
        let rows = [
            (min, max, "min", min.1),
            (min, request, "defaultRequest", request.1),
            (request, max, "defaultRequest", request.1),
            (request, limit("default limit value"), "defaultRequest", request.1),
            (min, limit("default value"), "default", min.1),
            (limit("default value"), max, "default", max.1),
        ];
        let mut out = FieldErrors::new();
        for ((less, low), (more, high), child, shown) in rows {
            if let (Some(low), Some(high)) = (low, high)
                && low > high
            {
                let why = format!("{less} {low} is greater than {more} {high}");
                out.push(FieldError::invalid(&field.child(child).key(name), shown, why));
            }
        }
        out
    }

    fn ratio_errors(&self, field: &FieldPath, name: &str) -> FieldErrors {
        let Some(ratio) = self.ratio.get(name) else { return FieldErrors::new() };
        let field = field.child("maxLimitRequestRatio").key(name);
        let mut out = FieldErrors::new();
        if ratio < Quantity::from_value(1) {
            out.push(FieldError::invalid(&field, ratio, format!("ratio {ratio} is less than 1")));
        }
        if let (Some(min), Some(max)) = (self.min.get(name), self.max.get(name)) {
            let most = max.as_f64() / min.as_f64();
            if ratio.as_f64() > most {
                let why = format!("ratio {ratio} is greater than max/min = {most:.6}");
                out.push(FieldError::invalid(&field, ratio, why));
            }
        }
        out
    }

    /// What cannot be overcommitted is requested exactly up to its limit.
    fn default_errors(&self, field: &FieldPath, name: &str) -> Option<FieldError> {
        let (limit, request) = (self.default.get(name)?, self.default_request.get(name)?);
        let differs = !resources::may_be_overcommitted(name) && limit != request;
        differs.then(|| {
            let why = format!("default value {limit} must equal to defaultRequest value {request} in {name}");
            FieldError::invalid(&field.child("defaultRequest").key(name), request, why)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    /// The complaints about one item, without the path to it.
    fn complaints(item: Document) -> Vec<String> {
        let errors = limit_range(&doc!({"spec": {"limits": [item]}}));
        errors.iter().map(|error| error.to_string().replacen("spec.limits[0].", "", 1)).collect()
    }

    #[test]
    fn all_types_can_be_limited() {
        let object = doc!({"spec": {"limits": [
            {"type": "Pod", "max": {"cpu": "100m", "memory": "10Gi"}, "min": {"cpu": "5m"}, "maxLimitRequestRatio": {"cpu": "10"}},
            {"type": "Container", "max": {"cpu": "100m"}, "min": {"cpu": "5m"}, "default": {"cpu": "50m"},
                "defaultRequest": {"cpu": "10m"}, "maxLimitRequestRatio": {"cpu": "10"}},
            {"type": "PersistentVolumeClaim", "max": {"storage": "10Gi"}},
            {"type": "example.com/widget", "default": {"example.com/gear": "1"}}
        ]}});
        assert_eq!(limit_range(&object), FieldErrors::new());
    }

    #[test]
    fn types_are_known_and_come_once() {
        assert_eq!(
            complaints(doc!({"type": "Widget"})),
            [r#"type: Invalid value: "Widget": must be a standard limit type or fully qualified"#]
        );
        let twice = doc!({"spec": {"limits": [{"type": "Pod"}, {"type": "Pod"}]}});
        let texts: Vec<String> = limit_range(&twice).iter().map(ToString::to_string).collect();
        assert_eq!(texts, [r#"spec.limits[1].type: Duplicate value: "Pod""#]);
    }

    #[test]
    fn resources_are_known_to_the_type() {
        assert_eq!(
            complaints(doc!({"type": "Container", "max": {"storage": "1"}})),
            [r#"max[storage]: Invalid value: "storage": must be a standard resource for containers"#]
        );
        assert_eq!(
            complaints(
                doc!({"type": "PersistentVolumeClaim", "min": {"storage": "1"}, "default": {"gear": "1"}})
            ),
            [r#"default[gear]: Invalid value: "gear": must be a standard resource type or fully qualified"#]
        );
    }

    #[test]
    fn pods_have_no_defaults_and_claims_need_storage() {
        let amounts = || doc!({"cpu": "1"});
        assert_eq!(
            complaints(doc!({"type": "Pod", "default": amounts(), "defaultRequest": amounts()})),
            [
                "default: Forbidden: may not be specified when `type` is 'Pod'",
                "defaultRequest: Forbidden: may not be specified when `type` is 'Pod'",
            ]
        );
        assert_eq!(
            complaints(doc!({"type": "PersistentVolumeClaim"})),
            [
                "limits: Required value: either minimum or maximum storage value is required, but neither was provided"
            ]
        );
    }

    #[test]
    fn amounts_are_in_order() {
        let cases = [
            (
                doc!({"min": {"cpu": "2"}, "max": {"cpu": "1"}}),
                r#"min[cpu]: Invalid value: "2": min value 2 is greater than max value 1"#,
            ),
            (
                doc!({"min": {"cpu": "2"}, "defaultRequest": {"cpu": "1"}}),
                r#"defaultRequest[cpu]: Invalid value: "1": min value 2 is greater than default request value 1"#,
            ),
            (
                doc!({"max": {"cpu": "1"}, "defaultRequest": {"cpu": "2"}}),
                r#"defaultRequest[cpu]: Invalid value: "2": default request value 2 is greater than max value 1"#,
            ),
            (
                doc!({"default": {"cpu": "1"}, "defaultRequest": {"cpu": "2"}}),
                r#"defaultRequest[cpu]: Invalid value: "2": default request value 2 is greater than default limit value 1"#,
            ),
            (
                doc!({"min": {"cpu": "2"}, "default": {"cpu": "1"}}),
                r#"default[cpu]: Invalid value: "2": min value 2 is greater than default value 1"#,
            ),
            (
                doc!({"max": {"cpu": "1"}, "default": {"cpu": "2"}}),
                r#"default[cpu]: Invalid value: "1": default value 2 is greater than max value 1"#,
            ),
        ];
        for (mut item, why) in cases {
            item.insert("type", "Container");
            assert_eq!(complaints(item), [why]);
        }
    }

    #[test]
    fn ratios_are_possible() {
        assert_eq!(
            complaints(doc!({"type": "Container", "maxLimitRequestRatio": {"cpu": "800m"}})),
            [r#"maxLimitRequestRatio[cpu]: Invalid value: "800m": ratio 800m is less than 1"#]
        );
        let item = doc!({"type": "Container", "min": {"memory": "1Gi"}, "max": {"memory": "2Gi"}, "maxLimitRequestRatio": {"memory": "3"}});
        assert_eq!(
            complaints(item),
            [
                r#"maxLimitRequestRatio[memory]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000"#
            ]
        );
    }

    #[test]
    fn devices_and_huge_pages_are_requested_up_to_their_limit() {
        for name in ["example.com/gpu", "hugepages-2Mi"] {
            let item = doc!({"type": "Container", "default": {(name): "4"}, "defaultRequest": {(name): "2"}});
            let why = format!(
                r#"defaultRequest[{name}]: Invalid value: "2": default value 4 must equal to defaultRequest value 2 in {name}"#
            );
            assert_eq!(complaints(item), [why]);
        }
    }
}
