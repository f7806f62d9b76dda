//! Every row works: one tiny run of each gives every figure, and each is a number that can be. How fast anything is, is not
//! looked at.

use skiff_bench::{Bench, rows};

#[test]
fn every_row_measures_every_figure() {
    let root = rustix::process::geteuid().is_root();
    assert!(root || std::env::var_os("SKIFF_REQUIRE_ROOT").is_none(), "rows with a node need root");
    let bench = Bench { binary: skiff_testkit::server::binary(), quick: true };
    for row in rows::all() {
        if row.needs_root() && !root {
            continue;
        }
        let measured = row.measure(&bench).unwrap_or_else(|error| panic!("{}: {error:#}", row.name()));
        let expected: Vec<&str> = row.figures().iter().map(|figure| figure.name).collect();
        assert_eq!(measured.len(), expected.len(), "{}: {measured:?}", row.name());
        for name in expected {
            let value = measured[name];
            assert!(value.is_finite() && (0.0..1e9).contains(&value), "{} {name}: {value}", row.name());
        }
    }
}

#[test]
fn names_of_rows_and_of_their_figures_are_unique() {
    let mut names: Vec<&str> = rows::all().iter().map(|row| row.name()).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    for row in rows::all() {
        let mut figures: Vec<&str> = row.figures().iter().map(|figure| figure.name).collect();
        figures.sort_unstable();
        let count = figures.len();
        figures.dedup();
        assert_eq!(figures.len(), count, "{}", row.name());
    }
}
