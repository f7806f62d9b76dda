//! Reading resource quantities as whole numbers for cgroups: they round up; malformed ones count as absent.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;
use skiff_apimachinery::quantity::Quantity;

/// Whole units, rounded up.
pub fn units(quantity: &Text) -> Option<i64> {
    Quantity::parse(&quantity.0).ok().map(Quantity::value)
}

/// Thousandths, rounded up.
pub fn milli(quantity: &Text) -> Option<i64> {
    Quantity::parse(&quantity.0).ok().map(Quantity::milli_value)
}
