//! A statement of one workspace names it in every table reference: so each statement runs where the rows of its
//! workspace are, on one of several databases or on one node of several.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, Ident, Insert, ObjectName, Query, Select, SelectItem, SetExpr, Statement,
    TableFactor, TableObject, Value, Visit, Visitor,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use crate::statements::statements;

/// The statements that read or write across workspaces.
const ACROSS_WORKSPACES: [&str; 22] = [
    "baselines: forget",
    "baselines: workspaces without",
    "devices: first reports to note",
    "event_store: append an export",
    "follow_ups: latest of some devices",
    "idempotency_keys: workspaces with expired ones",
    "overview: connections with their latest polls",
    "overview: devices by state",
    "overview: ends of latest cycles",
    "overview: latest cycles of some workspaces",
    "overview: slots of some hours",
    "poll_cycles: claim candidates",
    "poll_cycles: workspaces with some to retire",
    "rejections: the latest of some devices",
    "schedules: out of line",
    "worklist: connections and their latest polls",
    "worklist: devices that never reported",
    "worklist: stale devices",
    "worklist: thresholds in use",
    "workspaces: page",
    "workspaces: polled, with their recorded slots",
    "workspaces: some",
];

/// The tables that have no workspace.
const NO_WORKSPACE: [&str; 5] = [
    "pg_class",
    "pg_inherits",
    "provider_sessions",
    "reconciliation_sweeps",
    "registration_counter",
];

#[test]
fn statements_of_one_workspace_name_it_in_every_table_reference() {
    let mut across = BTreeSet::new();
    for text in statements() {
        let (name, sql) = text.split_once("*/").expect("a name at its head");
        if !names_one_workspace(sql) {
            across.insert(name.trim_matches(['/', '*', ' ']).to_owned());
        }
    }
    let listed = ACROSS_WORKSPACES.map(str::to_owned).into();
    assert_eq!(across, listed);
}

#[test]
fn a_table_reference_without_its_workspace_is_found() {
    for (sql, expected) in [
        ("SELECT 1 FROM devices d WHERE d.workspace_id = $1", true),
        ("SELECT 1 FROM devices WHERE workspace_id = $1", true),
        ("SELECT 1 FROM devices WHERE device_id = $1", false),
        ("SELECT 1 FROM devices WHERE workspace_id = ANY ($1)", false),
        (
            "SELECT 1 FROM devices d JOIN snapshots s ON s.workspace_id = d.workspace_id WHERE d.workspace_id = $1",
            true,
        ),
        (
            "SELECT 1 FROM devices d JOIN snapshots s ON s.device_id = d.device_id WHERE d.workspace_id = $1",
            false,
        ),
        (
            "SELECT (SELECT max(version) FROM snapshots) FROM devices WHERE workspace_id = $1",
            false,
        ),
        (
            "INSERT INTO devices (device_id, workspace_id) VALUES ($2, $1)",
            true,
        ),
        (
            "INSERT INTO devices (device_id, workspace_id) SELECT $2, id FROM unnest($1::text[]) AS of (id)",
            false,
        ),
        (
            "WITH gone AS (DELETE FROM devices WHERE workspace_id = $1 RETURNING device_id)
             DELETE FROM snapshots s USING gone WHERE s.device_id = gone.device_id",
            false,
        ),
    ] {
        assert_eq!(names_one_workspace(sql), expected, "{sql}");
    }
}

fn names_one_workspace(sql: &str) -> bool {
    // The parser does not know this kind of row lock.
    let sql = sql.replace("FOR NO KEY UPDATE", "FOR UPDATE");
    let parsed = Parser::parse_sql(&PostgreSqlDialect {}, &sql);
    let parsed = parsed.unwrap_or_else(|error| panic!("{error}: {sql}"));
    let mut references = References::default();
    let _: ControlFlow<()> = parsed.visit(&mut references);
    references.are_all_bound()
}

/// The table references of a statement, and what their `workspace_id` is equal to.
#[derive(Default)]
struct References {
    /// From the outermost query to the one that is being visited: aliases with their number; `None` for what is no table.
    scopes: Vec<HashMap<String, Option<usize>>>,
    common_tables: HashSet<String>,
    count: usize,
    bound: HashSet<usize>,
    equal: Vec<(usize, usize)>,
}

/// One side of an equality.
enum Side {
    Parameter,
    Workspace(usize),
}

impl References {
    fn are_all_bound(mut self) -> bool {
        loop {
            let before = self.bound.len();
            for (a, b) in &self.equal {
                if self.bound.contains(a) || self.bound.contains(b) {
                    self.bound.extend([*a, *b]);
                }
            }
            if self.bound.len() == before {
                return before == self.count;
            }
        }
    }

    fn add(&mut self, alias: &str, is_table: bool) {
        let number = is_table.then_some(self.count);
        self.count += usize::from(is_table);
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(alias.to_owned(), number);
        }
    }

    fn side(&self, expr: &Expr) -> Option<Side> {
        match expr {
            Expr::Value(value) => {
                matches!(value.value, Value::Placeholder(_)).then_some(Side::Parameter)
            }
            Expr::Cast { expr, .. } | Expr::Nested(expr) => self.side(expr),
            Expr::Identifier(column) if column.value == "workspace_id" => self.only_table(),
            Expr::CompoundIdentifier(parts) => match &parts[..] {
                [alias, column] if column.value == "workspace_id" => self.named(alias),
                _ => None,
            },
            _ => None,
        }
    }

    /// The table that a column without an alias is of.
    fn only_table(&self) -> Option<Side> {
        let scope = self.scopes.iter().rev().find(|scope| !scope.is_empty())?;
        let mut tables = scope.values().flatten();
        let table = tables.next().filter(|_| tables.next().is_none());
        table.copied().map(Side::Workspace)
    }

    fn named(&self, alias: &Ident) -> Option<Side> {
        let mut inner_first = self.scopes.iter().rev();
        let number = inner_first.find_map(|scope| scope.get(&alias.value))?;
        number.map(Side::Workspace)
    }

    fn insert(&mut self, insert: &Insert) {
        let at = insert
            .columns
            .iter()
            .position(|column| column.to_string() == "workspace_id");
        let body = insert.source.as_ref().map(|source| &*source.body);
        let values: Vec<&Expr> = match (at, body) {
            (Some(at), Some(SetExpr::Values(values))) => values
                .rows
                .iter()
                .filter_map(|row| row.content.get(at))
                .collect(),
            (Some(at), Some(SetExpr::Select(select))) => match select.projection.get(at) {
                Some(SelectItem::UnnamedExpr(value)) => vec![value],
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        let is_parameter = |value: &&Expr| matches!(self.side(value), Some(Side::Parameter));
        let is_bound = !values.is_empty() && values.iter().all(is_parameter);
        let TableObject::TableName(table) = &insert.table else {
            panic!("an insertion into no table")
        };
        if NO_WORKSPACE.contains(&&*last(table)) {
            return;
        }
        let alias = insert.table_alias.as_ref();
        let alias = alias.map_or_else(|| last(table), |alias| alias.alias.value.clone());
        let number = self.count;
        self.add(&alias, true);
        if is_bound {
            self.bound.insert(number);
        }
    }
}

fn last(name: &ObjectName) -> String {
    name.0.last().map(ToString::to_string).expect("a name")
}

impl Visitor for References {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let names = query.with.iter().flat_map(|with| &with.cte_tables);
        self.common_tables
            .extend(names.map(|cte| cte.alias.name.value.clone()));
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, _: &Select) -> ControlFlow<()> {
        self.scopes.push(HashMap::new());
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _: &Select) -> ControlFlow<()> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        self.scopes.push(HashMap::new());
        if let Statement::Insert(insert) = statement {
            self.insert(insert);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_statement(&mut self, _: &Statement) -> ControlFlow<()> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        let (name, alias) = match factor {
            TableFactor::Table {
                name, alias, args, ..
            } => {
                let name = last(name);
                let is_table = args.is_none()
                    && !self.common_tables.contains(&name)
                    && !NO_WORKSPACE.contains(&&*name);
                let alias = alias.as_ref().map(|alias| alias.name.value.clone());
                self.add(&alias.unwrap_or_else(|| name.clone()), is_table);
                return ControlFlow::Continue(());
            }
            TableFactor::Derived { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::UNNEST { alias, .. } => (factor, alias),
            other => panic!("a table reference of another kind: {other}"),
        };
        let alias = alias.as_ref().map(|alias| alias.name.value.clone());
        self.add(&alias.unwrap_or_else(|| name.to_string()), false);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::BinaryOp {
            left,
            op: BinaryOperator::Eq,
            right,
        } = expr
        {
            match (self.side(left), self.side(right)) {
                (Some(Side::Workspace(table)), Some(Side::Parameter))
                | (Some(Side::Parameter), Some(Side::Workspace(table))) => {
                    self.bound.insert(table);
                }
                (Some(Side::Workspace(a)), Some(Side::Workspace(b))) => self.equal.push((a, b)),
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }
}
