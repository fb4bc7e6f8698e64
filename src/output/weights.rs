//! The table of partial weights.

use super::table::{Cell, Table};

/// w_ij(Q): a column for each pair of elements.
pub fn weights_csv(q: &[f64], weights: &[(String, Vec<f64>)]) -> Table {
    let names: Vec<&str> = weights.iter().map(|(name, _)| name.as_str()).collect();
    let mut table = Table::new(&format!("q_inv_angstrom,{}", names.join(",")));
    for (k, q) in q.iter().enumerate() {
        let of_pairs = weights.iter().map(|(_, pair)| Cell::from(pair[k]));
        table.row(std::iter::once(Cell::from(*q)).chain(of_pairs));
    }
    table
}
