//! How a cost grows with guests of whom each sees and hears all others: a part that is always there, one for each guest, one for each
//! picture that is forwarded with its sound.

/// The parts, in the unit of the costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// For each guest, whoever else is there.
    pub guest: f64,
    /// For each picture with its sound on its way to one other guest. Of n guests there are n·(n - 1).
    pub forwarded: f64,
}

/// The parts that come nearest to these costs of so many guests (least squares). `None` for fewer than three.
pub fn of(costs: &[(usize, f64)]) -> Option<Growth> {
    if costs.len() < 3 {
        return None;
    }
    // The normal equations of cost = c₀ + c₁·n + c₂·n·(n - 1).
    let mut rows = [[0.0_f64; 4]; 3];
    for (guests, cost) in costs {
        let n = *guests as f64;
        let terms = [1.0, n, n * (n - 1.0)];
        for (row, of_row) in rows.iter_mut().zip(terms) {
            for (place, term) in row.iter_mut().zip(terms.into_iter().chain([*cost])) {
                *place += of_row * term;
            }
        }
    }
    for at in 0..3 {
        let best = (at..3).max_by(|one, other| rows[*one][at].abs().total_cmp(&rows[*other][at].abs()))?;
        rows.swap(at, best);
        let pivot = rows[at];
        if pivot[at].abs() < 1e-9 {
            return None;
        }
        for (_, row) in rows.iter_mut().enumerate().filter(|(other, _)| *other != at) {
            let times = row[at] / pivot[at];
            row.iter_mut().zip(pivot).for_each(|(place, value)| *place -= times * value);
        }
    }
    let part = |at: usize| rows[at][3] / rows[at][at];
    Some(Growth { guest: part(1), forwarded: part(2) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_again() {
        let cost = |n: usize| (n, 40.0 + 6.0 * n as f64 + 1.5 * (n * (n - 1)) as f64);
        let found = of(&[1, 2, 4, 8].map(cost)).unwrap();
        assert!((found.guest - 6.0).abs() < 1e-6 && (found.forwarded - 1.5).abs() < 1e-6, "{found:?}");
        assert_eq!(of(&[cost(1), cost(8)]), None);
        assert_eq!(of(&[cost(2), cost(2), cost(2)]), None);
    }
}
