//! Which counts of a table must be hidden with the small ones, so that none of these can be worked out.
//!
//! A table of one field is sites × values. Whoever reads it knows the total of each row (how many rows are filled) and is
//! taken to know the totals over the sites: the *overall* row. A hidden count then is safe only if it can be raised or
//! lowered by one while other hidden counts make up for it in every total. Seen as a network (rows and columns are nodes, a
//! hidden count is an arc between them) this is a cycle through the count that does not come back by the same count
//! (Gusfield 1988, "A graph theoretic approach to statistical data security", SIAM J Comput 17:552): exact, and cheap. It
//! is the audit here. Where it fails, a rectangle of counts is hidden, as in the hypercube method (Hundepool et al. 2012,
//! *Statistical Disclosure Control*, ch. 4; *Handbook on Statistical Disclosure Control*, 2nd edition 2024, ch. 4).

use std::collections::{BTreeMap, VecDeque};

use super::total;

/// Hiding a total over the sites comes after hiding any site's count.
const OVERALL_COST: u64 = 1 << 40;

/// One count of the table.
#[derive(Debug, Clone)]
pub struct Count {
    /// `None`: over all sites.
    pub row: Option<usize>,
    /// `None`: a count that no other row's count is added to.
    pub column: Option<usize>,
    pub value: u64,
    pub hidden: bool,
    /// What a reader knows a hidden count to be at least: 1, since zeros are told.
    low: u64,
}

/// Counts of one field by site and value.
#[derive(Debug, Clone)]
pub struct Grid {
    threshold: u64,
    pub counts: Vec<Count>,
    /// Rows that nothing is told of but their total.
    void: Vec<bool>,
    overall_void: bool,
    columns: usize,
    by_row: Vec<Vec<usize>>,
    by_column: Vec<Vec<usize>>,
    overall: Vec<usize>,
    /// By row and column.
    places: BTreeMap<(Option<usize>, usize), usize>,
}

impl Grid {
    pub fn new(threshold: u64) -> Grid {
        Grid { threshold, counts: vec![], void: vec![], overall_void: false, columns: 0, by_row: vec![], by_column: vec![], overall: vec![], places: BTreeMap::new() }
    }

    /// Begins a row.
    pub fn row(&mut self) -> usize {
        self.void.push(false);
        self.by_row.push(vec![]);
        self.void.len() - 1
    }

    /// Adds a count, hidden where it is small.
    pub fn add(&mut self, row: usize, column: Option<usize>, value: u64) -> usize {
        let hidden = self.is_small(value);
        self.push(Count { row: Some(row), column, value, hidden, low: 1 })
    }

    /// Adds rows that are told nowhere, but that are in the row's total.
    pub fn add_untold(&mut self, row: usize, column: Option<usize>, value: u64) {
        self.push(Count { row: Some(row), column, value, hidden: true, low: 0 });
    }

    /// Adds the row over all sites, after all others.
    pub fn add_overall(&mut self) {
        for column in 0..self.columns {
            let value = total(self.of_column(column).map(|c| c.value));
            let untold = self.of_column(column).any(|c| c.low == 0 && !c.row.is_some_and(|r| self.is_void(r)));
            let hidden = untold || self.is_small(value);
            self.push(Count { row: None, column: Some(column), value, hidden, low: u64::from(!untold) });
        }
    }

    fn push(&mut self, count: Count) -> usize {
        let id = self.counts.len();
        match count.row {
            Some(row) => _ = self.by_row.get_mut(row).map(|r| r.push(id)),
            None => self.overall.push(id),
        }
        if let Some(column) = count.column {
            self.columns = self.columns.max(column + 1);
            self.by_column.resize(self.columns, vec![]);
            _ = self.by_column.get_mut(column).map(|c| c.push(id));
            self.places.insert((count.row, column), id);
        }
        self.counts.push(count);
        id
    }

    fn is_small(&self, value: u64) -> bool {
        0 < value && value < self.threshold
    }

    fn of_column(&self, column: usize) -> impl Iterator<Item = &Count> {
        self.by_column.get(column).into_iter().flatten().filter_map(|id| self.counts.get(*id))
    }

    /// Hides a count; true where it was told.
    pub fn hide(&mut self, id: usize) -> bool {
        match self.counts.get_mut(id) {
            Some(count) if !count.hidden => {
                count.hidden = true;
                true
            }
            _ => false,
        }
    }

    /// Hides a whole row, its zeros too.
    pub fn hide_row(&mut self, row: usize) {
        if let Some(void) = self.void.get_mut(row) {
            *void = true;
        }
        self.empty(self.by_row.get(row).cloned().unwrap_or_default());
    }

    fn hide_overall(&mut self) {
        self.overall_void = true;
        self.empty(self.overall.clone());
    }

    fn empty(&mut self, ids: Vec<usize>) {
        for id in ids {
            if let Some(count) = self.counts.get_mut(id) {
                (count.hidden, count.low) = (true, 0);
            }
        }
    }

    pub fn is_void(&self, row: usize) -> bool {
        self.void.get(row).copied().unwrap_or(false)
    }

    pub fn is_hidden(&self, id: usize) -> bool {
        self.counts.get(id).is_some_and(|c| c.hidden)
    }

    /// The overall row's count of a column.
    pub fn overall_of(&self, column: usize) -> Option<usize> {
        self.overall.get(column).copied()
    }

    /// Hides until no small count can be worked out; true where something was hidden.
    pub fn protect(&mut self) -> bool {
        let before = self.told();
        loop {
            let told = (self.told(), self.void.iter().filter(|v| **v).count(), self.overall_void);
            self.audit();
            while self.fill_lines() {}
            if told == (self.told(), self.void.iter().filter(|v| **v).count(), self.overall_void) {
                return self.told() != before;
            }
        }
    }

    fn told(&self) -> usize {
        self.counts.iter().filter(|c| !c.hidden).count()
    }

    /// The n-threshold rule on what subtraction from a total leaves: at least two hidden counts, of at least the threshold
    /// together.
    fn fill_lines(&mut self) -> bool {
        let mut changed = false;
        for row in 0..self.by_row.len() {
            if !self.is_void(row) {
                changed |= self.fill(self.by_row.get(row).cloned().unwrap_or_default());
            }
        }
        for column in 0..self.columns {
            changed |= self.fill(self.by_column.get(column).cloned().unwrap_or_default());
        }
        if !self.overall_void {
            changed |= self.fill(self.overall.clone());
        }
        changed
    }

    fn fill(&mut self, line: Vec<usize>) -> bool {
        let counts: Vec<(usize, &Count)> = line.iter().filter_map(|id| Some((*id, self.counts.get(*id)?))).filter(|(_, c)| c.value > 0).collect();
        let hidden: Vec<&Count> = counts.iter().filter(|(_, c)| c.hidden).map(|(_, c)| *c).collect();
        // A column's own total is one of its counts; where that is hidden too, there is nothing to subtract from.
        let total_is_hidden = hidden.iter().any(|c| c.row.is_none()) && hidden.iter().any(|c| c.row.is_some());
        let enough = hidden.len() >= 2 && (total_is_hidden || total(hidden.iter().map(|c| c.value)) >= self.threshold);
        if hidden.is_empty() || enough {
            return false;
        }
        let cost = |c: &Count| c.value.saturating_add(if c.row.is_none() { OVERALL_COST } else { 0 });
        let alone = |c: &Count| c.row.is_some_and(|r| self.by_row.get(r).into_iter().flatten().filter_map(|id| self.counts.get(*id)).filter(|c| c.value > 0).count() < 2);
        let next = counts.iter().filter(|(_, c)| !c.hidden && !alone(c)).min_by_key(|(id, c)| (cost(c), *id)).map(|(id, _)| *id);
        next.is_some_and(|id| self.hide(id))
    }

    /// Sees to it that every small count has a cycle.
    fn audit(&mut self) {
        let mut arcs = self.arcs();
        for id in 0..self.counts.len() {
            let Some((row, value)) = self.counts.get(id).map(|c| (c.row, c.value)) else { continue };
            if !self.is_small(value) || self.is_protected(id, &arcs) {
                continue;
            }
            let rectangle = self.rectangle(id);
            match row {
                _ if rectangle.is_some() => rectangle.into_iter().flatten().for_each(|id| _ = self.hide(id)),
                Some(row) if !self.is_void(row) => self.hide_row(row),
                _ if !self.overall_void => self.hide_overall(),
                // One value with a known total: the total itself says it.
                _ => continue,
            }
            arcs = self.arcs();
        }
    }

    fn nodes(&self) -> usize {
        self.void.len() + self.columns + 2
    }

    /// Ends of a count's arc: raising it is a flow from the first to the second.
    fn ends(&self, count: &Count) -> (usize, usize) {
        let column = count.column.map_or(self.void.len() + self.columns, |c| self.void.len() + c);
        match count.row {
            Some(row) => (row, column),
            None => (column, self.void.len() + self.columns + 1),
        }
    }

    /// Node → nodes that one more or one fewer of a hidden count leads to.
    fn arcs(&self) -> Vec<Vec<(usize, usize)>> {
        let mut arcs = vec![vec![]; self.nodes()];
        for (id, count) in self.counts.iter().enumerate().filter(|(_, c)| c.hidden) {
            let (from, to) = self.ends(count);
            _ = arcs.get_mut(from).map(|a: &mut Vec<_>| a.push((to, id)));
            if count.value > count.low {
                _ = arcs.get_mut(to).map(|a: &mut Vec<_>| a.push((from, id)));
            }
        }
        arcs
    }

    fn is_protected(&self, id: usize, arcs: &[Vec<(usize, usize)>]) -> bool {
        let Some(count) = self.counts.get(id).filter(|c| c.hidden) else { return false };
        let (from, to) = self.ends(count);
        self.leads(arcs, to, from, id) || (count.value > count.low && self.leads(arcs, from, to, id))
    }

    fn leads(&self, arcs: &[Vec<(usize, usize)>], from: usize, to: usize, without: usize) -> bool {
        let mut seen = vec![false; self.nodes()];
        let mut open = VecDeque::from([from]);
        while let Some(node) = open.pop_front() {
            if node == to {
                return true;
            }
            for (next, id) in arcs.get(node).into_iter().flatten() {
                if let Some(seen) = seen.get_mut(*next).filter(|s| *id != without && !**s) {
                    *seen = true;
                    open.push_back(*next);
                }
            }
        }
        false
    }

    /// The cheapest counts that give a small one a cycle: a partner in its row, and both in another row.
    fn rectangle(&self, id: usize) -> Option<Vec<usize>> {
        let own = self.counts.get(id)?;
        let ids = |row: Option<usize>| row.map_or(Some(&self.overall), |r| self.by_row.get(r)).into_iter().flatten().copied();
        let at = |row: Option<usize>, column: usize| self.places.get(&(row, column)).copied().filter(|id| self.counts.get(*id).is_some_and(|c| c.value > 0));
        let spare = |id: usize| self.counts.get(id).is_some_and(|c| c.value > if c.hidden { c.low } else { 1 });
        let cost = |ids: &[usize]| -> u64 { total(ids.iter().filter_map(|id| self.counts.get(*id)).filter(|c| !c.hidden).map(|c| c.value.saturating_add(if c.row.is_none() { OVERALL_COST } else { 0 }))) };
        let mut best: Option<(u64, Vec<usize>)> = None;
        let mut offer = |found: Vec<usize>| {
            let cost = cost(&found);
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, found));
            }
        };
        let partners: Vec<usize> = ids(own.row).filter(|p| *p != id && self.counts.get(*p).is_some_and(|c| c.value > 0)).collect();
        let Some(column) = own.column else {
            // Nothing but its row's total binds it.
            partners.iter().filter(|p| self.counts.get(**p).is_some_and(|c| c.column.is_none()) && (spare(**p) || spare(id))).for_each(|p| offer(vec![*p]));
            return best.map(|(_, ids)| ids);
        };
        for below in self.by_column.get(column).into_iter().flatten().copied().filter(|b| *b != id) {
            let Some(other) = self.counts.get(below).filter(|c| c.value > 0) else { continue };
            for partner in &partners {
                let Some(second) = self.counts.get(*partner).and_then(|c| c.column).and_then(|c| at(other.row, c)) else { continue };
                // A total rises with its counts; two sites' counts go against each other.
                let (raised, lowered) = match (own.row, other.row) {
                    (Some(_), Some(_)) => ([*partner, below], [id, second]),
                    _ => ([*partner, second], [id, below]),
                };
                if raised.iter().all(|id| spare(*id)) || lowered.iter().all(|id| spare(*id)) {
                    offer(vec![*partner, below, second]);
                }
            }
        }
        best.map(|(_, ids)| ids)
    }
}

/// Two cells that hold the same count, each by its grid and the place in it.
pub type Link = ((usize, usize), (usize, usize));

/// Protects grids of which some counts are the same: what is hidden in one is hidden in the other.
pub fn protect_linked(grids: &mut [Grid], links: &[Link]) {
    grids.iter_mut().for_each(|g| _ = g.protect());
    loop {
        let mut changed = vec![];
        for (one, other) in links.iter().flat_map(|(a, b)| [(a, b), (b, a)]) {
            if grids.get(one.0).is_some_and(|g| g.is_hidden(one.1)) && grids.get_mut(other.0).is_some_and(|g| g.hide(other.1)) {
                changed.push(other.0);
            }
        }
        if changed.is_empty() {
            return;
        }
        changed.into_iter().filter_map(|g| grids.get_mut(g).map(Grid::protect)).for_each(drop);
    }
}
