//! A label selector as upstream's events show it: the way Go prints the struct.

use skiff_apimachinery::{Document, Map};

/// `&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{},}`.
pub fn selector_text(selector: Option<&Document>) -> String {
    let Some(selector) = selector.filter(|selector| !selector.is_null()) else { return "nil".to_owned() };
    let mut labels: Vec<(&str, &str)> = selector
        .object_at(&["matchLabels"])
        .into_iter()
        .flat_map(Map::iter)
        .map(|(key, value)| (key, value.as_str().unwrap_or("")))
        .collect();
    labels.sort_unstable();
    let labels: String = labels.iter().map(|(key, value)| format!("{key}: {value},")).collect();
    let expressions: String = selector.array_at(&["matchExpressions"]).iter().map(requirement_text).collect();
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}"
    )
}

fn requirement_text(requirement: &Document) -> String {
    let values: Vec<&str> = requirement.array_at(&["values"]).iter().filter_map(Document::as_str).collect();
    let (key, operator) = (requirement.str_at(&["key"]), requirement.str_at(&["operator"]));
    format!("LabelSelectorRequirement{{Key:{key},Operator:{operator},Values:[{}],}},", values.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn selectors_are_shown_as_go_prints_them() {
        let cases = [
            (doc!(null), "nil"),
            (
                doc!({}),
                "&LabelSelector{MatchLabels:map[string]string{},MatchExpressions:[]LabelSelectorRequirement{},}",
            ),
            (
                doc!({"matchLabels": {"b": "2", "a": "1"}}),
                "&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{},}",
            ),
            (
                doc!({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}),
                "&LabelSelector{MatchLabels:map[string]string{},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:a,Operator:In,Values:[1 2],},},}",
            ),
        ];
        for (selector, text) in cases {
            assert_eq!(selector_text(Some(&selector)), text);
        }
    }
}
