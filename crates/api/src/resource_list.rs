//! Amounts by resource name, as requests, limits and quotas hold them (`v1.ResourceList`).

use skiff_apimachinery::quantity::Quantity;
use skiff_apimachinery::{Document, Map};
use std::collections::BTreeMap;
use std::fmt;

/// Amounts by resource name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResourceList(BTreeMap<String, Quantity>);

impl ResourceList {
    /// Reads a list such as `{cpu: 500m, memory: 1Gi}`; what is no quantity is left out.
    pub fn read(list: Option<&Map>) -> Self {
        let amounts = list.into_iter().flat_map(Map::iter);
        amounts
            .filter_map(|(name, amount)| Some((name.to_owned(), Quantity::from_document(amount)?.ok()?)))
            .collect()
    }

    /// The amount of a resource, if the list has one.
    pub fn get(&self, name: &str) -> Option<Quantity> {
        self.0.get(name).copied()
    }

    /// Whether the list has an amount of the resource.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Sets an amount.
    pub fn set(&mut self, name: impl Into<String>, amount: Quantity) {
        self.0.insert(name.into(), amount);
    }

    /// Whether there is no amount, not even of nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and amounts, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Quantity)> {
        self.0.iter().map(|(name, amount)| (name.as_str(), *amount))
    }

    /// Names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Adds amount by amount; a name that only one list has keeps its amount.
    pub fn add(&mut self, more: &Self) {
        for (name, amount) in more.iter() {
            *self.0.entry(name.to_owned()).or_insert(Quantity::ZERO) += amount;
        }
    }

    /// What this list has more than the other: amounts never fall below nothing, names of this list stay.
    pub fn saturating_subtract(&mut self, less: &Self) {
        for (name, amount) in &mut self.0 {
            let rest = *amount - less.get(name).unwrap_or(Quantity::ZERO);
            *amount = if rest.is_negative() { Quantity::ZERO } else { rest };
        }
    }

    /// The larger of both, name by name.
    pub fn raise_to(&mut self, floor: &Self) {
        for (name, amount) in floor.iter() {
            let own = self.0.entry(name.to_owned()).or_insert(amount);
            *own = (*own).max(amount);
        }
    }

    /// The amounts that a condition holds for.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&str, Quantity) -> bool) -> Self {
        self.iter().filter(|(name, amount)| keep(name, *amount)).map(|(n, a)| (n.to_owned(), a)).collect()
    }

    /// The list as the API has it.
    pub fn to_document(&self) -> Document {
        let mut out = Document::object();
        for (name, amount) in self.iter() {
            out.insert(name, amount);
        }
        out
    }
}

impl FromIterator<(String, Quantity)> for ResourceList {
    fn from_iter<I: IntoIterator<Item = (String, Quantity)>>(amounts: I) -> Self {
        Self(amounts.into_iter().collect())
    }
}

impl fmt::Display for ResourceList {
    /// `cpu=1,memory=2Gi`, as messages about quotas name amounts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, amount)) in self.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{name}={amount}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn list(amounts: &Document) -> ResourceList {
        ResourceList::read(amounts.as_object())
    }

    #[test]
    fn lists_add_and_subtract_name_by_name() {
        let mut total = list(&doc!({"cpu": "500m", "memory": "1Gi"}));
        total.add(&list(&doc!({"cpu": "1", "pods": "1"})));
        assert_eq!(total.to_string(), "cpu=1500m,memory=1Gi,pods=1");
        total.saturating_subtract(&list(&doc!({"cpu": "2", "memory": "512Mi", "other": "9"})));
        assert_eq!(total.to_string(), "cpu=0,memory=512Mi,pods=1");
    }

    #[test]
    fn the_larger_amount_stays() {
        let mut floor = list(&doc!({"cpu": "1", "memory": "1"}));
        floor.raise_to(&list(&doc!({"cpu": "500m", "memory": "2", "pods": "3"})));
        assert_eq!(floor.to_string(), "cpu=1,memory=2,pods=3");
    }

    #[test]
    fn what_is_no_quantity_is_left_out() {
        assert_eq!(list(&doc!({"cpu": "many", "pods": 3})).to_string(), "pods=3");
    }
}
